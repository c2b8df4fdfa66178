// SPDX-License-Identifier: Apache-2.0

/// A relative IMAP URL that names a message, or a part of one, of the account that is logged in (RFC 5092, RFC 4469 §3).
///
///     iabsolute-path  = "/" [ icommand ]
///     imsg-or-part    = ( imailbox-ref "/" iuid-only ["/" isection-only] ["/" ipartial-only] ) /
///                       ( iuid-only ["/" isection-only] ["/" ipartial-only] ) / …
///     imailbox-ref    = enc-mailbox [uidvalidity]
///     uidvalidity     = ";UIDVALIDITY=" nz-number
///     iuid-only       = ";UID=" nz-number
///     isection-only   = ";SECTION=" enc-section
///     ipartial-only   = ";PARTIAL=" partial-range
///     partial-range   = number64 ["." nz-number64]
///
/// What names a server, a user or an authorization (`//…`, `imap:…`, `;URLAUTH=…`), a search or something relative to a
/// message is nothing that CATENATE can use, and is not read.
package struct MessageURL: Hashable, Sendable {
    package var mailbox: MailboxName
    /// If given, the mailbox must have it.
    package var uidValidity: UInt32?
    package var uid: UInt32
    package var section = Section()
    /// The octets of the section that are wanted; nil for all.
    package var partial: Partial?

    /// Reads a URL; nil for any that CATENATE cannot use.
    ///
    /// `selected` is the selected mailbox, whose name is the base of relative paths.
    package init?(_ url: [UInt8], selected: MailboxName?) {
        guard let parameters = Self.split(url) else { return nil }
        var rest = parameters[...]
        var uidValidity: UInt32?
        let path = rest.removeFirst().value
        if rest.first?.name == "UIDVALIDITY", rest.first?.isFirstOfSegment == false {
            guard let value = Self.number(rest.removeFirst().value) else { return nil }
            uidValidity = value
        }
        guard let mailbox = Self.mailbox(path, selected: selected),
            let first = rest.popFirst(), first.name == "UID", first.isFirstOfSegment, let uid = Self.number(first.value)
        else { return nil }
        self.mailbox = mailbox
        self.uidValidity = uidValidity
        self.uid = uid
        if rest.first?.name == "SECTION" {
            let section = rest.removeFirst()
            guard section.isFirstOfSegment, let value = Self.section(section.value) else { return nil }
            self.section = value
        }
        if rest.first?.name == "PARTIAL" {
            let partial = rest.removeFirst()
            guard partial.isFirstOfSegment, let value = Self.partial(partial.value) else { return nil }
            self.partial = value
        }
        guard rest.isEmpty else { return nil }
    }

    /// The path, whose name is empty, or what a semicolon begins; still percent-encoded.
    private struct Parameter {
        var name: String
        var value: ArraySlice<UInt8>
        /// Whether a slash stands before the semicolon, or the URL begins with it.
        var isFirstOfSegment: Bool
    }

    /// Cuts at the semicolons; nil if there are octets that no URL has, or parameters without `=`.
    private static func split(_ url: [UInt8]) -> [Parameter]? {
        guard url.allSatisfy({ 0x21...0x7E ~= $0 }), !url.contains(UInt8(ascii: "?")), !url.contains(UInt8(ascii: "#"))
        else { return nil }
        let pieces = url.split(separator: UInt8(ascii: ";"), maxSplits: 8, omittingEmptySubsequences: false)
        var parameters: [Parameter] = []
        var hasSlash = pieces[0].isEmpty
        for (index, piece) in pieces.enumerated() {
            let isLast = index == pieces.count - 1
            var value = piece
            let endsWithSlash = !isLast && value.last == .slash
            if endsWithSlash { value.removeLast() }
            if index == 0 {
                // "/mailbox/;UID=1": the path without the slash that ends it. "/;UID=1" names no mailbox.
                if endsWithSlash, value.isEmpty { return nil }
                parameters.append(Parameter(name: "", value: value, isFirstOfSegment: true))
            } else {
                guard let equals = value.firstIndex(of: UInt8(ascii: "=")) else { return nil }
                let name = String(decoding: value[..<equals].map(\.uppercased), as: UTF8.self)
                parameters.append(
                    Parameter(name: name, value: value[(equals + 1)...], isFirstOfSegment: hasSlash)
                )
            }
            hasSlash = index == 0 ? endsWithSlash || piece.isEmpty : endsWithSlash
        }
        return parameters
    }

    /// The mailbox of a path; nil if it names a server, or none where none is selected.
    private static func mailbox(_ path: ArraySlice<UInt8>, selected: MailboxName?) -> MailboxName? {
        if path.isEmpty { return selected }
        guard !path.starts(with: [.slash, .slash]) else { return nil }
        if path.first == .slash {
            return self.decoded(path.dropFirst()).flatMap { try? MailboxName($0, encoding: .utf8) }
        }
        // A colon in the first segment would make it a scheme (RFC 3986 §4.2).
        let segments = path.split(separator: .slash, omittingEmptySubsequences: false)
        guard segments.first?.contains(UInt8(ascii: ":")) == false,
            !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }),
            let name = self.decoded(path)
        else { return nil }
        // RFC 3986 §5.2.3: it stands in place of the base's last segment.
        let superior = selected?.parent.map { Array($0.text.utf8) + [.slash] } ?? []
        return try? MailboxName(superior + name, encoding: .utf8)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        var parser = CommandParser(Array(digits))
        guard let number = try? parser.nzNumber(), parser.atEnd else { return nil }
        return number
    }

    private static func section(_ encoded: ArraySlice<UInt8>) -> Section? {
        guard let text = self.decoded(encoded) else { return nil }
        var parser = CommandParser([UInt8(ascii: "[")] + text + [UInt8(ascii: "]")])
        guard let section = try? parser.section(), parser.atEnd, section != Section() else { return nil }
        return section
    }

    private static func partial(_ range: ArraySlice<UInt8>) -> Partial? {
        var parser = CommandParser(Array(range))
        guard let offset = try? parser.number64() else { return nil }
        if parser.atEnd { return Partial(offset: offset, count: UInt64(Int64.max)) }
        guard parser.accept(UInt8(ascii: ".")), let count = try? parser.nzNumber64(), parser.atEnd else { return nil }
        return Partial(offset: offset, count: count)
    }

    /// Takes the percent-encoding off (RFC 3986 §2.1); nil where it is broken.
    private static func decoded(_ encoded: ArraySlice<UInt8>) -> [UInt8]? {
        var octets: [UInt8] = []
        octets.reserveCapacity(encoded.count)
        var rest = encoded
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "%") else {
                octets.append(octet)
                continue
            }
            guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue else {
                return nil
            }
            octets.append(high << 4 | low)
        }
        return octets
    }
}

extension UInt8 {
    /// The value of a HEXDIG, in either case.
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
