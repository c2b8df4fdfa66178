// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// A domain name.
    ///
    /// Domain = sub-domain *("." sub-domain)
    ///
    /// sub-domain = Let-dig [Ldh-str] ; / U-label (RFC 6531 §3.3)
    ///
    /// - Returns: the domain with its ASCII letters in lower case. No underscore, no dot at the end (RFC 5321 §2.3.5,
    ///   §4.1.2). That a U-label is one (RFC 5890) is for whoever resolves it to find out.
    package mutating func domain() throws(SyntaxError) -> String {
        try self.domain(allowsUnderscore: false)
    }

    mutating func domain(allowsUnderscore: Bool) throws(SyntaxError) -> String {
        var domain: [UInt8] = []
        domain.reserveCapacity(min(self.rest.count, EmailAddress.domainLimit))
        var index = self.rest.startIndex
        var label = Label()
        while index < self.rest.endIndex, domain.count <= EmailAddress.domainLimit {
            let octet = self.rest[index]
            if octet == .dot {
                guard label.isComplete else { throw self.expected("Domain") }
                label = Label()
            } else if octet.isLetterOrDigit || octet == .hyphen || (!octet.isASCII && self.allowsUTF8)
                || (octet == UInt8(ascii: "_") && allowsUnderscore)
            {
                label.append(octet)
            } else {
                break
            }
            domain.append(octet.asciiLowercased)
            index += 1
        }
        guard domain.count <= EmailAddress.domainLimit else {
            throw self.expected("Domain of at most \(EmailAddress.domainLimit) octets")
        }
        guard label.isComplete, let text = String(graphic: domain), text.isASCII || !text.hasForeignDot else {
            throw self.expected("Domain")
        }
        self.advance(to: index)
        return text
    }

    /// An IP address in brackets.
    ///
    /// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
    ///
    /// No tag but `IPv6` has ever been registered, so a General-address-literal is an error.
    package mutating func addressLiteral() throws(SyntaxError) -> IPAddress {
        guard self.rest.first == UInt8(ascii: "["), let close = self.rest.firstIndex(of: UInt8(ascii: "]")),
            let address = IPAddress(literalContent: self.rest[(self.rest.startIndex + 1)..<close])
        else { throw self.expected("address-literal") }
        self.advance(to: close + 1)
        return address
    }

    /// ( Domain / address-literal ), as an address literal in canonical form.
    package mutating func host() throws(SyntaxError) -> String {
        if self.rest.first == UInt8(ascii: "[") { return try self.addressLiteral().addressLiteral }
        return try self.domain()
    }
}

/// What has to be known of a label to tell whether it is one.
private struct Label {
    private var count = 0
    private var isASCII = true
    private var beginsWithHyphen = false
    private var last: UInt8 = .hyphen

    mutating func append(_ octet: UInt8) {
        if self.count == 0 { self.beginsWithHyphen = octet == .hyphen }
        self.count += 1
        self.isASCII = self.isASCII && octet.isASCII
        self.last = octet
    }

    /// Whether this is Let-dig [Ldh-str] of at most 63 octets (RFC 1035 §2.3.4).
    ///
    /// A U-label may have more: its A-label counts.
    var isComplete: Bool {
        self.count > 0 && !self.beginsWithHyphen && self.last != .hyphen && (self.count <= 63 || !self.isASCII)
    }
}

extension String {
    /// Whether there is a dot that IDNA maps to "." (RFC 3490 §3.1): such a domain is not the one it looks like.
    fileprivate var hasForeignDot: Bool {
        self.unicodeScalars.contains { $0 == "\u{3002}" || $0 == "\u{FF0E}" || $0 == "\u{FF61}" }
    }
}
