// SPDX-License-Identifier: Apache-2.0

/// What a server offers, read from its reply to EHLO or LHLO (RFC 5321 §4.1.1.1).
package struct EHLOReply: Hashable, Sendable {
    /// The name the server gives itself; empty if it gives none.
    package let domain: String

    /// The most parameters of one extension that are looked at: reading stays linear whatever a server says.
    package static let parameterLimit = 100

    /// The parameters of each extension, by keyword in upper case; no more than ``parameterLimit``.
    package let extensions: [String: [String]]

    /// Reads the lines of a positive reply to EHLO.
    ///
    /// ehlo-ok-rsp = "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF
    ///
    /// ehlo-line = ehlo-keyword *( SP ehlo-param )
    ///
    /// Lines that are none are passed over. nil if `reply` is not a 250.
    package init?(_ reply: Reply) {
        guard reply.code == 250 else { return nil }
        var extensions: [String: [String]] = [:]
        for line in reply.lines.dropFirst() {
            var words = line.utf8.split(separator: .space).map { String(decoding: $0, as: UTF8.self) }[...]
            guard let first = words.popFirst() else { continue }
            // QUIRK: "AUTH=LOGIN PLAIN", a draft of RFC 2554 that servers still add for old clients.
            let keyword = first.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard let name = keyword.first, name.allSatisfy({ $0.isLetterOrDigit || $0 == .hyphen }) else { continue }
            if keyword.count > 1 { words = [String(decoding: keyword[1], as: UTF8.self)] + words }
            let key = String(decoding: name.map(\.asciiUppercased), as: UTF8.self)
            var known = extensions[key] ?? []
            for word in words where known.count < Self.parameterLimit && !known.contains(word) { known.append(word) }
            extensions[key] = known
        }
        self.domain = reply.lines.first.map { String($0.prefix { $0 != " " }) } ?? ""
        self.extensions = extensions
    }

    /// What a server offers that knows HELO only: nothing.
    package init(domain: String) {
        self.domain = domain
        self.extensions = [:]
    }

    /// Whether the extension with this keyword (in upper case) is offered.
    package func offers(_ keyword: String) -> Bool { self.extensions[keyword] != nil }

    /// The largest message the server takes, in octets (RFC 1870 §4); nil if it does not say, or says 0: no limit.
    package var sizeLimit: UInt64? {
        guard let value = self.extensions["SIZE"]?.first, let limit = UInt64(decimal: value.utf8) else { return nil }
        return limit == 0 ? nil : limit
    }

    /// The SASL mechanisms offered, in upper case (RFC 4954 §3).
    package var authenticationMechanisms: Set<String> {
        Set((self.extensions["AUTH"] ?? []).map(\.asciiUppercased))
    }

    /// The most recipients of one transaction (RFC 9422 §3.2, LIMITS RCPTMAX).
    package var recipientLimit: Int? { self.limit("RCPTMAX") }

    /// The most transactions of one connection (RFC 9422 §3.1, LIMITS MAILMAX).
    package var transactionLimit: Int? { self.limit("MAILMAX") }

    private func limit(_ name: String) -> Int? {
        for parameter in self.extensions["LIMITS"] ?? [] {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, String(parts[0]).asciiUppercased == name, parts[1].utf8.count <= 6,
                let limit = UInt64(decimal: parts[1].utf8), limit > 0
            else { continue }
            return Int(clamping: limit)
        }
        return nil
    }
}
