// SPDX-License-Identifier: Apache-2.0

/// A cursor over the value of a structured field, strict where security depends on it (RFC 5322 §3.2).
///
/// It never moves back; comments nest by a counter.
struct StructuredScanner {
    private(set) var rest: ArraySlice<UInt8>

    init(_ octets: ArraySlice<UInt8>) { self.rest = octets }

    var isAtEnd: Bool { self.rest.isEmpty }
    var current: UInt8? { self.rest.first }

    mutating func consume(_ octet: UInt8) -> Bool {
        guard self.rest.first == octet else { return false }
        self.rest = self.rest.dropFirst()
        return true
    }

    mutating func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let taken = self.rest.prefix(while: condition)
        self.rest = self.rest[taken.endIndex...]
        return taken
    }

    /// Passes white space and comments; false where a comment does not end.
    ///
    ///     CFWS = (1*([FWS] comment) [FWS]) / FWS
    mutating func skipCFWS() -> Bool {
        var depth = 0
        while let octet = self.rest.first {
            if octet == UInt8(ascii: "(") {
                depth += 1
            } else if depth > 0 {
                if octet == UInt8(ascii: ")") { depth -= 1 }
                if octet == .backslash { self.rest = self.rest.dropFirst() }
            } else if !octet.isWhitespace {
                return true
            }
            self.rest = self.rest.dropFirst()
        }
        return depth == 0
    }

    /// The content of a quoted string; nil if there is none, or it does not end.
    ///
    ///     quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE
    mutating func quotedString() -> [UInt8]? {
        guard self.consume(.quote) else { return nil }
        var content: [UInt8] = []
        while let octet = self.rest.popFirst() {
            switch octet {
            case .quote: return content
            case .backslash:
                guard let quoted = self.rest.popFirst() else { return nil }
                content.append(quoted)
            case .cr, .lf: continue
            default: content.append(octet)
            }
        }
        return nil
    }

    /// token of RFC 2045 §5.1, with the octets of UTF-8.
    mutating func token() -> ArraySlice<UInt8> { self.take(while: Self.isToken) }

    static func isToken(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet != 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains(octet)
    }

    /// atext of RFC 5322 §3.2.3, with the octets of UTF-8 (RFC 6532 §3.2).
    static func isAtomText(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet != 0x7F && !"()<>[]:;@\\,.\"".utf8.contains(octet)
    }
}
