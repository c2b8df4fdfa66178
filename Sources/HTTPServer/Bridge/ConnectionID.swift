// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The ID of a bridged IMAP connection: 64 random bits, or 128 where the settings want that.
///
/// Who knows it, holds the connection.
struct ConnectionID: Sendable, Equatable {
    /// Hexadecimal digits in lower case, 16 or 32.
    let text: String

    init(_ value: UInt64) { self.text = Self.padded(String(value, radix: 16), to: 16) }

    private init(text: String) { self.text = text }

    /// An ID that nobody can guess.
    static func random(bits: Int = 64) throws -> Self { Self(text: Hexadecimal.encode(try Random.octets(bits / 8))) }

    /// Reads an ID, in either case; one of 64 bits with or without leading zeros.
    ///
    /// id = 1*16HEXDIG / 32HEXDIG
    init?(_ text: some StringProtocol, bits: Int = 64) {
        let digits = text.utf8
        let lengths = bits == 64 ? 1...16 : bits / 4...bits / 4
        guard lengths ~= digits.count, digits.allSatisfy(Self.isDigit) else { return nil }
        self.text = Self.padded(text.lowercased(), to: bits / 4)
    }

    private static func padded(_ digits: String, to count: Int) -> String {
        String(repeating: "0", count: count - digits.utf8.count) + digits
    }

    private static func isDigit(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    /// What may stand in a log: enough to tell connections apart, and of no use to whoever reads it.
    var logText: String { String(self.text.prefix(3)) }

    /// The key under which the connection is kept: looking it up takes the same time for every ID that is not there,
    /// however much of it is right.
    var digest: [UInt8] { SHA256.hash(Array(self.text.utf8)) }
}
