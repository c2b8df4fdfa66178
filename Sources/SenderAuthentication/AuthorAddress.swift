// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// The one address that From names, where it names one and nothing else (RFC 5322 §3.6.2).
package struct AuthorAddress: Sendable, Equatable {
    /// Without quoting.
    package let localPart: String
    package let domain: DomainName

    /// The author of a message with this header; nil where that is not clear, as ``AuthorDomain`` has it.
    package init?(header: ArraySlice<UInt8>) {
        guard case .one = AuthorDomain(header: header), let field = HeaderParser.first("From", in: header),
            let author = Self(field.value)
        else { return nil }
        self = author
    }

    /// A value that is one mailbox and nothing else.
    ///
    ///     mailbox      = name-addr / addr-spec
    ///     name-addr    = [display-name] angle-addr
    ///     angle-addr   = [CFWS] "<" addr-spec ">" [CFWS]
    ///     display-name = phrase
    init?(_ value: ArraySlice<UInt8>) {
        // NUL ends a string for some readers.
        guard !value.contains(0) else { return nil }
        var scanner = StructuredScanner(value)
        guard scanner.skipCFWS() else { return nil }
        var words: [[UInt8]] = []
        var isDotAtom = true
        while let octet = scanner.current, octet != UInt8(ascii: "<"), octet != .at {
            // One dot-atom or one quoted string may be a local part, more of them are a phrase.
            let before = scanner.rest.startIndex
            if octet == .quote {
                guard let word = scanner.quotedString() else { return nil }
                words.append(word)
            } else {
                let word = scanner.take { StructuredScanner.isAtomText($0) || $0 == .dot }
                guard !word.isEmpty else { return nil }
                isDotAtom = isDotAtom && Self.isDotAtom(word)
                words.append(Array(word))
            }
            guard scanner.rest.startIndex > before, scanner.skipCFWS() else { return nil }
        }
        if scanner.consume(UInt8(ascii: "<")) {
            guard let address = Self.addrSpec(&scanner), scanner.consume(UInt8(ascii: ">")), scanner.skipCFWS(),
                scanner.isAtEnd
            else { return nil }
            self = address
            return
        }
        guard words.count == 1, isDotAtom, scanner.consume(.at), let domain = Self.domain(&scanner), scanner.isAtEnd
        else { return nil }
        self.init(words[0], domain)
    }

    private init(_ localPart: [UInt8], _ domain: DomainName) {
        self.localPart = String(decoding: localPart, as: UTF8.self)
        self.domain = domain
    }

    /// An address.
    ///
    ///     addr-spec = local-part "@" domain
    private static func addrSpec(_ scanner: inout StructuredScanner) -> AuthorAddress? {
        guard scanner.skipCFWS() else { return nil }
        let localPart: [UInt8]
        if scanner.current == .quote {
            guard let text = scanner.quotedString() else { return nil }
            localPart = text
        } else {
            let word = scanner.take { StructuredScanner.isAtomText($0) || $0 == .dot }
            guard self.isDotAtom(word) else { return nil }
            localPart = Array(word)
        }
        guard scanner.skipCFWS(), scanner.consume(.at), let domain = self.domain(&scanner) else { return nil }
        return AuthorAddress(localPart, domain)
    }

    /// A domain, and the CFWS around it; a literal is none that could have a policy.
    private static func domain(_ scanner: inout StructuredScanner) -> DomainName? {
        guard scanner.skipCFWS() else { return nil }
        let word = scanner.take { StructuredScanner.isAtomText($0) || $0 == .dot }
        guard Self.isDotAtom(word), let domain = DomainName(word), scanner.skipCFWS() else { return nil }
        return domain
    }

    /// Whether there is something between all the dots.
    ///
    ///     dot-atom-text = 1*atext *("." 1*atext)
    private static func isDotAtom(_ octets: ArraySlice<UInt8>) -> Bool {
        octets.split(separator: .dot, omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }
}
