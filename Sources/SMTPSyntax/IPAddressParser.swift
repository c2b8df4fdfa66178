// SPDX-License-Identifier: Apache-2.0

/// Reads the two notations of IP addresses: as everyone writes them, and as RFC 5321 §4.1.3 does.
struct IPAddressParser {
    enum Notation {
        /// IPv4 without leading zeros; `::` for one group or more (RFC 4291 §2.2).
        case presentation
        /// Snum may have leading zeros; `::` stands for two groups or more.
        case addressLiteral
    }

    private var rest: ArraySlice<UInt8>
    private let notation: Notation

    init(_ text: ArraySlice<UInt8>, notation: Notation) {
        self.rest = text
        self.notation = notation
    }

    /// An address of either family, and nothing behind it.
    mutating func address() -> IPAddress? {
        self.rest.contains(UInt8(ascii: ":")) ? self.ipv6Address() : self.ipv4Address()
    }

    mutating func ipv4Address() -> IPAddress? {
        guard let bits = self.dottedQuad(), self.rest.isEmpty else { return nil }
        return IPAddress(ipv4: bits)
    }

    /// An IPv6 address in any of its four forms, and nothing behind it.
    ///
    /// IPv6-addr = IPv6-full / IPv6-comp / IPv6v4-full / IPv6v4-comp
    mutating func ipv6Address() -> IPAddress? {
        var groups: [UInt16] = []
        /// The number of groups before "::".
        var compressedAt: Int?
        if self.consume("::") {
            compressedAt = 0
        }
        while !self.rest.isEmpty {
            let isExpected = groups.isEmpty || groups.count == compressedAt || self.consume(":")
            guard isExpected, groups.count < 8 else { return nil }
            if groups.count <= 6, self.startsWithDottedQuad {
                guard let quad = self.dottedQuad(), self.rest.isEmpty else { return nil }
                groups += [UInt16(truncatingIfNeeded: quad >> 16), UInt16(truncatingIfNeeded: quad)]
                break
            }
            guard let group = self.group() else { return nil }
            groups.append(group)
            if compressedAt == nil, self.consume("::") { compressedAt = groups.count }
        }
        if let compressedAt {
            let missing = 8 - groups.count
            guard missing >= (self.notation == .addressLiteral ? 2 : 1) else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: missing), at: compressedAt)
        }
        guard groups.count == 8 else { return nil }
        return IPAddress(ipv6: groups.reduce(0) { $0 << 16 | UInt128($1) })
    }

    /// One group of an IPv6 address.
    ///
    /// IPv6-hex = 1*4HEXDIG
    private mutating func group() -> UInt16? {
        var value: UInt16 = 0
        var count = 0
        while count < 4, let digit = self.rest.first?.hexadecimalValue {
            value = value << 4 | UInt16(digit)
            self.rest.removeFirst()
            count += 1
        }
        return count > 0 ? value : nil
    }

    private var startsWithDottedQuad: Bool {
        let digits = self.rest.prefix(3).prefix(while: \.isDigit)
        return !digits.isEmpty && self.rest[digits.endIndex...].first == .dot
    }

    /// Four decimal octets.
    ///
    /// IPv4-address-literal = Snum 3("." Snum)
    private mutating func dottedQuad() -> UInt32? {
        var bits: UInt32 = 0
        for position in 0..<4 {
            if position > 0, !self.consume(".") { return nil }
            // Snum = 1*3DIGIT ; 0 through 255
            let digits = self.rest.prefix(3).prefix(while: \.isDigit)
            guard let number = UInt64(decimal: digits), number <= 255 else { return nil }
            if self.notation == .presentation, digits.count > 1, digits.first == UInt8(ascii: "0") { return nil }
            bits = bits << 8 | UInt32(number)
            self.rest = self.rest[digits.endIndex...]
        }
        return bits
    }

    private mutating func consume(_ text: StaticString) -> Bool {
        let token = text.description.utf8
        guard self.rest.starts(with: token) else { return false }
        self.rest = self.rest.dropFirst(token.count)
        return true
    }
}
