// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Where a domain wants its reports (RFC 7489 §6.4, RFC 8460 §3).
package enum ReportURI: Hashable, Sendable {
    /// `limit`: the most octets that a message may have.
    case mail(EmailAddress, limit: Int? = nil)
    /// An https URL, as it stands there.
    case web(String)

    /// Those looked at of one record.
    static let limit = 5

    /// Reads the value of `rua`; what is not understood, and what is twice, is left out.
    ///
    ///     dmarc-uri = URI [ "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] ]
    package static func list(_ value: String) -> [ReportURI] {
        var list: [ReportURI] = []
        for item in value.split(separator: ",").prefix(4 * Self.limit) {
            guard let uri = Self(String(item)), !list.contains(uri) else { continue }
            list.append(uri)
        }
        return Array(list.prefix(Self.limit))
    }

    private init?(_ text: String) {
        let text = text.filter { !$0.isWhitespace }
        if text.lowercased().hasPrefix("https://") {
            self = .web(text)
            return
        }
        guard text.lowercased().hasPrefix("mailto:") else { return nil }
        let parts = text.dropFirst("mailto:".count).split(separator: "!", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first else { return nil }
        // What a URI says of the message besides, nobody asked for.
        guard let octets = Self.decoded(first.utf8.prefix { $0 != UInt8(ascii: "?") }),
            let address = try? EmailAddress(parsing: String(decoding: octets, as: UTF8.self)), address.isASCII
        else { return nil }
        var limit: Int?
        if parts.count == 2 {
            guard let size = Self.size(parts[1]) else { return nil }
            limit = size
        }
        self = .mail(address, limit: limit)
    }

    private static func size(_ text: Substring) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard (1...9).contains(digits.utf8.count), let number = Int(digits) else { return nil }
        switch text.dropFirst(digits.count).lowercased() {
        case "": return number
        case "k": return number << 10
        case "m": return number << 20
        case "g": return number << 30
        case "t": return number.multipliedReportingOverflow(by: 1 << 40).overflow ? Int.max : number << 40
        default: return nil
        }
    }

    /// RFC 3986 §2.1; nil where that is not well formed.
    private static func decoded(_ octets: some Sequence<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        var iterator = octets.makeIterator()
        while let octet = iterator.next() {
            guard octet == UInt8(ascii: "%") else {
                output.append(octet)
                continue
            }
            guard let high = iterator.next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }),
                let low = iterator.next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue })
            else { return nil }
            output.append(UInt8(high << 4 | low))
        }
        return output
    }
}
