// SPDX-License-Identifier: Apache-2.0

/// A Mailbox of RFC 5321 §4.1.2, `local-part@domain`, in normal form (the word mailbox is IMAP's in this project).
///
/// Values exist only for what the grammar allows, so they can be written into commands and header fields as they are:
/// no control characters, at most 64 octets of local part, 255 of domain, 254 together.
package struct EmailAddress: Hashable, Sendable, CustomStringConvertible {
    /// The local part without quoting: `a b` for `"a b"`.
    ///
    /// Its case is kept; whether it matters is the domain's affair.
    package let localPart: String
    /// The domain in lower case (ASCII only; A-labels and U-labels are left as they are), or an address literal in
    /// brackets in canonical form: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    package let domain: String

    /// The longest local part, in octets as written (RFC 5321 §4.5.3.1.1).
    package static let localPartLimit = 64
    /// The longest domain, in octets (RFC 5321 §4.5.3.1.2).
    package static let domainLimit = 255
    /// The longest address, in octets: a path of 256 without its brackets (RFC 5321 §4.5.3.1.3).
    package static let limit = 254

    /// For the parser, which has checked the parts.
    init(checkedLocalPart localPart: String, domain: String) {
        self.localPart = localPart
        self.domain = domain
    }

    /// Reads `local-part@domain` as it stands in settings, on a command line or in a JSON field.
    ///
    /// UTF-8 is allowed.
    ///
    /// - Throws: `SyntaxError` also when anything stands before or behind the address.
    package init(parsing text: String) throws(SyntaxError) {
        var parser = CommandParser(Array(text.utf8)[...], allowsUTF8: true)
        self = try parser.mailbox()
        try parser.end()
    }

    /// Puts an address together from a local part *without* quoting and a domain, and checks both.
    package init(localPart: String, domain: String) throws(SyntaxError) {
        try self.init(parsing: Self.written(localPart: localPart) + "@" + domain)
    }

    /// The address with the minimum of quoting (RFC 5321 §4.1.2): `"a b"@example.com`.
    package var description: String { Self.written(localPart: self.localPart) + "@" + self.domain }

    /// The octets of ``description``.
    var octetCount: Int { Self.written(localPart: self.localPart).utf8.count + 1 + self.domain.utf8.count }

    /// Whether the address can be sent without SMTPUTF8 (RFC 6531).
    package var isASCII: Bool { self.localPart.isASCII && self.domain.isASCII }

    /// The same mailbox with its domain in A-labels, so that it can be sent without SMTPUTF8; itself if its local part is not
    /// ASCII, or its domain no name that can be looked up.
    package var withALabels: EmailAddress {
        guard !self.domain.isASCII, self.localPart.isASCII, let domain = Punycode.aLabels(of: self.domain) else {
            return self
        }
        let address = EmailAddress(checkedLocalPart: self.localPart, domain: domain)
        return address.octetCount <= Self.limit ? address : self
    }

    /// The local part as it is written, with the minimum of quoting.
    ///
    /// Local-part = Dot-string / Quoted-string
    static func written(localPart: String) -> String {
        guard !isDotString(localPart.utf8) else { return localPart }
        var quoted: [UInt8] = [.quote]
        for octet in localPart.utf8 {
            if octet == .quote || octet == .backslash { quoted.append(.backslash) }
            quoted.append(octet)
        }
        quoted.append(.quote)
        return String(decoding: quoted, as: UTF8.self)
    }

    /// Whether a local part needs no quotes.
    ///
    /// Dot-string = Atom *("."  Atom)
    private static func isDotString(_ octets: some Collection<UInt8>) -> Bool {
        var previous = UInt8.dot
        for octet in octets {
            guard octet.isAtomText || !octet.isASCII || (octet == .dot && previous != .dot) else { return false }
            previous = octet
        }
        return previous != .dot
    }
}
