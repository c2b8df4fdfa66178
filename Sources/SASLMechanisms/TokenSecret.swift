// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The text of a token that programs use in place of a password, and what is stored of it.
///
/// It has 256 random bits, so a plain digest is enough: nobody can try them all.
package struct TokenSecret: Sendable {
    /// What all tokens begin with: so they are known where they should not be.
    package static let prefix = "lh_"
    private static let octetCount = 32

    package let text: String

    /// Makes a new one.
    ///
    /// Throws `OpenSSLError` if there is no entropy.
    package init() throws {
        let characters = Base64.encode(try Random.octets(Self.octetCount)).compactMap { character -> UInt8? in
            switch character {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: character
            }
        }
        self.text = Self.prefix + String(decoding: characters, as: UTF8.self)
    }

    /// Takes a text that may be one; nil if it cannot be.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + 43 else { return nil }
        self.text = text
    }

    /// SHA-256 of the text: what is stored.
    package var digest: [UInt8] { SHA256.hash(Array(self.text.utf8)) }
}

extension TokenSecret: CustomStringConvertible, CustomReflectable {
    package var description: String { "(masked)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
