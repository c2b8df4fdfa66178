// SPDX-License-Identifier: Apache-2.0

/// Makes numbers of tokens: SipHash-2-4 under a key of the account's own.
///
/// So nobody who does not have the key can write words that are counted as others, and what one account has learnt says
/// nothing about another's.
package struct TokenKey: Sendable, Hashable {
    /// Octets of a key.
    package static let length = 16

    private let first: UInt64
    private let second: UInt64

    /// Nil if there are not 16 octets.
    package init?(_ octets: [UInt8]) {
        guard octets.count == Self.length else { return nil }
        self.first = Self.word(octets[0..<8])
        self.second = Self.word(octets[8..<16])
    }

    private static func word(_ octets: ArraySlice<UInt8>) -> UInt64 {
        octets.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The number of a token.
    package func number(of token: String) -> UInt64 {
        var state = State(self.first, self.second)
        var (word, count) = (UInt64(0), 0)
        for octet in token.utf8 {
            word |= UInt64(octet) << UInt64((count & 7) * 8)
            count += 1
            if count & 7 == 0 {
                state.take(word)
                word = 0
            }
        }
        state.take(word | UInt64(truncatingIfNeeded: count) << 56)
        return state.finish()
    }

    private struct State {
        private var (v0, v1, v2, v3): (UInt64, UInt64, UInt64, UInt64)

        init(_ first: UInt64, _ second: UInt64) {
            self.v0 = first ^ 0x736F_6D65_7073_6575
            self.v1 = second ^ 0x646F_7261_6E64_6F6D
            self.v2 = first ^ 0x6C79_6765_6E65_7261
            self.v3 = second ^ 0x7465_6462_7974_6573
        }

        mutating func take(_ word: UInt64) {
            self.v3 ^= word
            self.round()
            self.round()
            self.v0 ^= word
        }

        mutating func finish() -> UInt64 {
            self.v2 ^= 0xFF
            for _ in 0..<4 { self.round() }
            return self.v0 ^ self.v1 ^ self.v2 ^ self.v3
        }

        private mutating func round() {
            self.v0 &+= self.v1
            self.v1 = (self.v1 << 13 | self.v1 >> 51) ^ self.v0
            self.v0 = self.v0 << 32 | self.v0 >> 32
            self.v2 &+= self.v3
            self.v3 = (self.v3 << 16 | self.v3 >> 48) ^ self.v2
            self.v0 &+= self.v3
            self.v3 = (self.v3 << 21 | self.v3 >> 43) ^ self.v0
            self.v2 &+= self.v1
            self.v1 = (self.v1 << 17 | self.v1 >> 47) ^ self.v2
            self.v2 = self.v2 << 32 | self.v2 >> 32
        }
    }
}
