// SPDX-License-Identifier: Apache-2.0

/// A request's path and query, decoded (RFC 3986 §3.3, §3.4).
struct RequestTarget: Sendable {
    /// Between the slashes.
    let segments: [String]
    /// The last of each name counts.
    let query: [String: String]

    private static let longest = 4096

    /// Nil for what is too long, has an octet that must be encoded, or is not UTF-8.
    init?(_ path: String) {
        guard path.utf8.count <= Self.longest, path.hasPrefix("/") else { return nil }
        let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        for segment in parts[0].dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let text = Self.decoded(segment) else { return nil }
            segments.append(text)
        }
        var query: [String: String] = [:]
        if parts.count == 2 {
            for pair in parts[1].split(separator: "&") {
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let name = Self.decoded(halves[0]), let value = Self.decoded(halves.count == 2 ? halves[1] : "")
                else { return nil }
                query[name] = value
            }
        }
        (self.segments, self.query) = (segments, query)
    }

    private static func decoded(_ text: Substring) -> String? {
        var octets: [UInt8] = []
        var rest = text.utf8[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else {
                guard octet > 0x20, octet != 0x7F else { return nil }
                octets.append(octet)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt8(Substring(digits), radix: 16)
            else { return nil }
            octets.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: octets, as: UTF8.self)
    }

    /// A text as it can stand in a path.
    static func encoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "@"):
                encoded.append(octet)
            default:
                let digits = String(octet, radix: 16, uppercase: true)
                encoded += "%\(digits.utf8.count == 1 ? "0" : "")\(digits)".utf8
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
