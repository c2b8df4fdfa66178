// SPDX-License-Identifier: Apache-2.0

/// The random octets that the service was given, as a generator.
struct RandomSource: RandomNumberGenerator {
    let octets: @Sendable (_ count: Int) -> [UInt8]

    mutating func next() -> UInt64 { self.octets(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// `count` octets in hexadecimal.
    func hexadecimal(_ count: Int) -> String {
        self.octets(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
