// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc

/// A secret of this installation, made at its first start and kept in a file that only its owner can read.
enum SecretKey {
    /// The 32 octets of the key in the file, which is made if there is none.
    static func load(_ path: String) throws -> [UInt8] {
        if unsafe access(path, F_OK) == 0 {
            let text = try TextFile.read(path).filter { !$0.isWhitespace }
            if let key = Hexadecimal.decode(text), key.count == 32 { return key }
            throw InvalidKey(path: path)
        }
        let key = try Random.octets(32)
        try TextFile.write(Array((Hexadecimal.encode(key) + "\n").utf8), to: path)
        return key
    }

    /// The file is there but holds something else.
    struct InvalidKey: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(self.path): expected 64 hexadecimal digits; remove the file to get a new key" }
    }
}
