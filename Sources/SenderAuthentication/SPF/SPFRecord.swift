// SPDX-License-Identifier: Apache-2.0

import MailMessage
import SMTPSyntax

/// An SPF record, parsed (RFC 7208 §4.6.1, §12).
///
///     record  = version terms *SP
///     version = "v=spf1"
///     terms   = *( 1*SP ( directive / modifier ) )
struct SPFRecord: Sendable {
    /// Whom it means, and what becomes of them.
    ///
    ///     directive = [ qualifier ] mechanism
    struct Directive: Sendable {
        /// What the check ends with where the mechanism matches.
        let result: SPFResult
        let mechanism: Mechanism
        /// As it stands in the record.
        let text: String
    }

    enum Mechanism: Sendable {
        case all
        case include(MacroString)
        case a(MacroString?, PrefixLengths)
        case mx(MacroString?, PrefixLengths)
        case ptr(MacroString?)
        case address(IPAddress, prefixLength: Int)
        case exists(MacroString)
    }

    /// How many bits of an address count, by its family.
    ///
    ///     dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
    struct PrefixLengths: Sendable, Equatable {
        var ipv4 = 32
        var ipv6 = 128

        func length(for family: IPAddress.Family) -> Int { family == .ipv4 ? self.ipv4 : self.ipv6 }
    }

    private(set) var directives: [Directive] = []
    private(set) var redirect: MacroString?
    private(set) var explanation: MacroString?

    /// Whether a TXT record is an SPF record: its version, then a space or the end (RFC 7208 §4.5).
    static func isRecord(_ text: [UInt8]) -> Bool {
        guard Octets.equal(text.prefix(6), ignoringCaseOf: "v=spf1") else { return false }
        return text.count == 6 || text[6] == .space
    }

    /// Parses all of a record: an error anywhere makes it none (RFC 7208 §4.6).
    init?(_ text: [UInt8]) {
        guard Self.isRecord(text) else { return nil }
        for term in text.dropFirst(6).split(separator: .space) {
            guard self.add(term) else { return nil }
        }
    }

    private mutating func add(_ term: ArraySlice<UInt8>) -> Bool {
        // name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
        let name = term.prefix { $0.isAlphanumeric || "-_.".utf8.contains($0) }
        if let first = name.first, first.isLetter, name.endIndex < term.endIndex, term[name.endIndex] == .equals {
            return self.addModifier(named: name, value: term[(name.endIndex + 1)...])
        }
        guard let directive = Directive(term) else { return false }
        self.directives.append(directive)
        return true
    }

    /// Takes a modifier; `redirect` and `exp` at most once each (RFC 7208 §6).
    ///
    ///     modifier = redirect / explanation / unknown-modifier
    private mutating func addModifier(named name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) -> Bool {
        switch String(decoding: name, as: UTF8.self).lowercased() {
        case "redirect":
            guard self.redirect == nil, let domain = MacroString(domainSpec: value) else { return false }
            self.redirect = domain
        case "exp":
            guard self.explanation == nil, let domain = MacroString(domainSpec: value) else { return false }
            self.explanation = domain
        default:
            guard MacroString(value, in: .term) != nil else { return false }
        }
        return true
    }
}

extension SPFRecord.Directive {
    /// Parses a directive.
    ///
    ///     qualifier = "+" / "-" / "?" / "~"
    ///     mechanism = ( all / include / a / mx / ptr / ip4 / ip6 / exists )
    init?(_ term: ArraySlice<UInt8>) {
        var rest = term
        switch rest.first {
        case UInt8(ascii: "+"): self.result = .pass
        case UInt8(ascii: "-"): self.result = .fail
        case UInt8(ascii: "?"): self.result = .neutral
        case UInt8(ascii: "~"): self.result = .softfail
        default: self.result = .pass
        }
        if let first = rest.first, "+-?~".utf8.contains(first) { rest = rest.dropFirst() }
        let name = rest.prefix { $0.isAlphanumeric }
        guard let mechanism = SPFRecord.Mechanism(named: name, rest: rest[name.endIndex...]) else { return nil }
        self.mechanism = mechanism
        self.text = String(decoding: term, as: UTF8.self)
    }
}

extension SPFRecord.Mechanism {
    fileprivate init?(named name: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) {
        switch String(decoding: name, as: UTF8.self).lowercased() {
        case "all":
            guard rest.isEmpty else { return nil }
            self = .all
        case "include":
            guard rest.first == .colon, let domain = MacroString(domainSpec: rest.dropFirst()) else { return nil }
            self = .include(domain)
        case "exists":
            guard rest.first == .colon, let domain = MacroString(domainSpec: rest.dropFirst()) else { return nil }
            self = .exists(domain)
        case "ptr":
            guard let (domain, lengths) = Self.arguments(rest), lengths == nil else { return nil }
            self = .ptr(domain)
        case "a":
            guard let (domain, lengths) = Self.arguments(rest) else { return nil }
            self = .a(domain, lengths ?? SPFRecord.PrefixLengths())
        case "mx":
            guard let (domain, lengths) = Self.arguments(rest) else { return nil }
            self = .mx(domain, lengths ?? SPFRecord.PrefixLengths())
        case "ip4": self.init(network: rest, family: .ipv4)
        case "ip6": self.init(network: rest, family: .ipv6)
        default: return nil
        }
    }

    /// `[ ":" domain-spec ] [ dual-cidr-length ]`; nil if it is neither.
    private static func arguments(
        _ octets: ArraySlice<UInt8>
    ) -> (domain: MacroString?, lengths: SPFRecord.PrefixLengths?)? {
        var rest = octets
        guard let lengths = Self.takePrefixLengths(from: &rest) else { return nil }
        let isDefault = rest.endIndex == octets.endIndex
        if rest.isEmpty { return (nil, isDefault ? nil : lengths) }
        guard rest.first == .colon, let domain = MacroString(domainSpec: rest.dropFirst()) else { return nil }
        return (domain, isDefault ? nil : lengths)
    }

    /// Takes the lengths off the end, for a domain-spec may hold slashes too.
    ///
    ///     ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT) ; value range 0-32
    ///     ip6-cidr-length = "/" ("0" / %x31-39 0*2DIGIT) ; value range 0-128
    private static func takePrefixLengths(from octets: inout ArraySlice<UInt8>) -> SPFRecord.PrefixLengths? {
        var lengths = SPFRecord.PrefixLengths()
        if let (number, start) = Self.trailingNumber(octets), octets[..<start].last == .slash {
            guard let six = Self.prefixLength(number, limit: 128) else { return nil }
            lengths.ipv6 = six
            octets = octets[..<(start - 1)]
        }
        if let (number, start) = Self.trailingNumber(octets) {
            guard let four = Self.prefixLength(number, limit: 32) else { return nil }
            lengths.ipv4 = four
            octets = octets[..<start]
        }
        return lengths
    }

    /// The digits at the end, and where the slash before them stands.
    private static func trailingNumber(_ octets: ArraySlice<UInt8>) -> (digits: ArraySlice<UInt8>, start: Int)? {
        guard let last = octets.lastIndex(where: { !$0.isDigit }), octets[last] == .slash, last + 1 < octets.endIndex
        else { return nil }
        return (octets[(last + 1)...], last)
    }

    private static func prefixLength(_ digits: ArraySlice<UInt8>, limit: Int) -> Int? {
        guard let number = digits.decimal(maximumDigits: 3), number <= limit else { return nil }
        return digits.count == 1 || digits.first != UInt8(ascii: "0") ? number : nil
    }

    /// ip4 = "ip4" ":" ip4-network [ ip4-cidr-length ], and the same of ip6.
    private init?(network rest: ArraySlice<UInt8>, family: IPAddress.Family) {
        guard rest.first == .colon else { return nil }
        let text = rest.dropFirst()
        let slash = text.firstIndex(of: .slash) ?? text.endIndex
        guard let address = try? IPAddress(parsing: String(decoding: text[..<slash], as: UTF8.self)),
            address.family == family
        else { return nil }
        guard slash < text.endIndex else {
            self = .address(address, prefixLength: family.width)
            return
        }
        guard let length = Self.prefixLength(text[(slash + 1)...], limit: family.width) else { return nil }
        self = .address(address, prefixLength: length)
    }
}

extension MacroString {
    /// A macro-string that ends as a domain name does.
    ///
    ///     domain-spec = macro-string domain-end
    ///     domain-end  = ( "." toplabel [ "." ] ) / macro-expand
    ///     toplabel    = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
    init?(domainSpec octets: ArraySlice<UInt8>) {
        self.init(octets, in: .term)
        guard let last = self.pieces.last else { return nil }
        // `%%`, `%_` and `%-` end a domain-spec too, though no name can end so.
        if case .macro = last { return }
        if octets.count >= 2, octets[octets.endIndex - 2] == .percent { return }
        var text = octets
        if text.last == .dot { text = text.dropLast() }
        guard let dot = text.lastIndex(of: .dot) else { return nil }
        let label = text[(dot + 1)...]
        guard let first = label.first, let end = label.last, first.isAlphanumeric, end.isAlphanumeric,
            label.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "-") }),
            label.contains(where: { !$0.isDigit })
        else { return nil }
    }
}
