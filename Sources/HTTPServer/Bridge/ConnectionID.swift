// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The ID of a bridged IMAP connection: 64 random bits.
///
/// Who knows it, holds the connection.
struct ConnectionID: Sendable, Equatable {
    private let value: UInt64

    init(_ value: UInt64) { self.value = value }

    /// An ID that nobody can guess.
    static func random() throws -> Self {
        Self(try Random.octets(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Reads an ID, with or without leading zeros, in either case.
    ///
    /// id = 1*16HEXDIG
    init?(_ text: some StringProtocol) {
        let digits = text.utf8
        guard 1...16 ~= digits.count, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let value = UInt64(text, radix: 16)
        else { return nil }
        self.value = value
    }

    /// 16 hexadecimal digits in lower case.
    var text: String {
        let digits = String(self.value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// What may stand in a log: enough to tell connections apart, and of no use to whoever reads it.
    var logText: String { String(self.text.prefix(3)) }

    /// The key under which the connection is kept: looking it up takes the same time for every ID that is not there,
    /// however much of it is right.
    var digest: [UInt8] { SHA256.hash(Array(self.text.utf8)) }
}
