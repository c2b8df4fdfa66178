// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Whose message it says it is: the domain of the From field (RFC 7489 §3.1, §6.6.1).
///
/// Programs disagree about what is not well formed, and attackers live on that. So there must be exactly one From field
/// that holds exactly one mailbox, by the strict grammar; anything else names nobody, and only suspects.
enum AuthorDomain: Sendable, Equatable {
    case one(DomainName)
    /// The domains that some reader or other may take for the author's.
    case unclear(reason: String, suspects: [DomainName])

    private static let maximumSuspects = 8

    init(_ header: SignableHeader) {
        let fields = header.fields(named: "from")
        let problem: String
        if fields.isEmpty {
            problem = "no From field"
        } else if fields.count > 1 {
            problem = "more than one From field"
        } else if let domain = Self.mailboxDomain(fields[0].value) {
            self = .one(domain)
            return
        } else {
            problem = "From is not one mailbox"
        }
        self = .unclear(reason: problem, suspects: Self.suspects(fields))
    }

    /// Whatever stands behind an "@" and may be a domain, in comments and quotes too: readers disagree about those.
    private static func suspects(_ fields: [HeaderField]) -> [DomainName] {
        var suspects: [DomainName] = []
        for field in fields.prefix(self.maximumSuspects) {
            for text in field.value.split(separator: .at).dropFirst().prefix(2 * self.maximumSuspects) {
                let name = text.trimmed.prefix { $0.isAlphanumeric || $0 >= 0x80 || "-_.".utf8.contains($0) }
                guard let name = DomainName(name), !suspects.contains(name) else { continue }
                suspects.append(name)
            }
        }
        return Array(suspects.prefix(self.maximumSuspects))
    }

    /// The domain of a value that is one mailbox and nothing else.
    ///
    ///     mailbox      = name-addr / addr-spec
    ///     name-addr    = [display-name] angle-addr
    ///     angle-addr   = [CFWS] "<" addr-spec ">" [CFWS]
    ///     display-name = phrase
    static func mailboxDomain(_ value: ArraySlice<UInt8>) -> DomainName? {
        // NUL ends a string for some readers.
        guard !value.contains(0) else { return nil }
        var scanner = StructuredScanner(value)
        guard scanner.skipCFWS() else { return nil }
        var words = 0
        var isDotAtom = true
        while let octet = scanner.current, octet != UInt8(ascii: "<"), octet != .at {
            // One dot-atom or one quoted string may be a local part, more of them are a phrase.
            let before = scanner.rest.startIndex
            if octet == .quote {
                guard scanner.quotedString() != nil else { return nil }
            } else {
                let word = scanner.take { StructuredScanner.isAtomText($0) || $0 == .dot }
                guard !word.isEmpty else { return nil }
                isDotAtom = isDotAtom && Self.isDotAtom(word)
            }
            guard scanner.rest.startIndex > before, scanner.skipCFWS() else { return nil }
            words += 1
        }
        if scanner.consume(UInt8(ascii: "<")) {
            guard let domain = Self.addrSpec(&scanner), scanner.consume(UInt8(ascii: ">")) else { return nil }
            return scanner.skipCFWS() && scanner.isAtEnd ? domain : nil
        }
        guard words == 1, isDotAtom, scanner.consume(.at), let domain = Self.domain(&scanner) else { return nil }
        return scanner.isAtEnd ? domain : nil
    }

    /// The domain of an address.
    ///
    ///     addr-spec = local-part "@" domain
    private static func addrSpec(_ scanner: inout StructuredScanner) -> DomainName? {
        guard scanner.skipCFWS() else { return nil }
        if scanner.current == .quote {
            guard scanner.quotedString() != nil else { return nil }
        } else {
            let word = scanner.take { StructuredScanner.isAtomText($0) || $0 == .dot }
            guard Self.isDotAtom(word) else { return nil }
        }
        guard scanner.skipCFWS(), scanner.consume(.at) else { return nil }
        return Self.domain(&scanner)
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
