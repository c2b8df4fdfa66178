// SPDX-License-Identifier: Apache-2.0

/// A cursor over the value of a structured header field (RFC 5322 §2.2.2), with the lexical tokens of §3.2.
///
/// It never moves back, so whatever is built on it is linear; comments nest by a counter, not by recursion.
struct HeaderScanner {
    let octets: ArraySlice<UInt8>
    private(set) var position: Int
    /// The inside of the last comment passed, parentheses and quoted pairs as they stand.
    private(set) var lastComment: ArraySlice<UInt8>?

    init(_ octets: ArraySlice<UInt8>) {
        self.octets = octets
        self.position = octets.startIndex
    }

    var isAtEnd: Bool { self.position >= self.octets.endIndex }

    /// The octet at the cursor.
    var current: UInt8? { self.isAtEnd ? nil : self.octets[self.position] }

    mutating func advance() {
        if !self.isAtEnd {
            self.position += 1
        }
    }

    /// Passes `octet` if it is next.
    mutating func consume(_ octet: UInt8) -> Bool {
        guard self.current == octet else { return false }
        self.position += 1
        return true
    }

    /// Passes what satisfies `condition`.
    mutating func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = self.position
        while let octet = self.current, condition(octet) {
            self.position += 1
        }
        return self.octets[start..<self.position]
    }

    /// Passes everything before `octet`.
    mutating func skip(to octet: UInt8) {
        _ = self.take { candidate in candidate != octet }
    }

    /// Forgets the last comment.
    mutating func forgetComment() {
        self.lastComment = nil
    }

    /// Passes white space, comments, and the control characters that have no business in a header.
    ///
    ///     CFWS = (1*([FWS] comment) [FWS]) / FWS
    ///
    /// Returns whether there was any.
    @discardableResult
    mutating func skipCFWS() -> Bool {
        let start = self.position
        while let octet = self.current {
            if octet == UInt8(ascii: "(") {
                self.comment()
            } else if octet <= 0x20 || octet == 0x7F {
                self.position += 1
            } else {
                break
            }
        }
        return self.position > start
    }

    /// Passes a comment, to the end of the value if nothing closes it.
    ///
    ///     comment = "(" *([FWS] ccontent) [FWS] ")"
    private mutating func comment() {
        self.position += 1
        let start = self.position
        var depth = 1
        while let octet = self.current {
            switch octet {
            case UInt8(ascii: "("):
                depth += 1
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 {
                    self.lastComment = self.octets[start..<self.position]
                    self.position += 1
                    return
                }
            case Octets.backslash:
                self.advance()
            default:
                break
            }
            self.advance()
        }
        self.lastComment = self.octets[start..<self.position]
    }

    /// The content of the quoted string at the cursor, to the end of the value if nothing closes it.
    ///
    ///     quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS]
    ///
    /// Quoted pairs are resolved; the line ends of folding, and NUL, are dropped.
    mutating func quotedString() -> [UInt8] {
        self.advance()
        var content: [UInt8] = []
        while let octet = self.current {
            self.position += 1
            switch octet {
            case Octets.quote:
                return content
            case Octets.backslash:
                if let quoted = self.current {
                    self.position += 1
                    HeaderScanner.append(quoted, to: &content)
                }
            default:
                HeaderScanner.append(octet, to: &content)
            }
        }
        return content
    }

    /// A token, empty if there is none.
    ///
    ///     token = 1*<any (US-ASCII) CHAR except SPACE, CTLs, or tspecials>
    ///
    /// RFC 2045 §5.1; octets above 127 are let through.
    mutating func token() -> ArraySlice<UInt8> {
        self.take { octet in HeaderScanner.isToken(octet) }
    }

    private static func isToken(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "/"), Octets.question, Octets.equals: false
        case UInt8(ascii: "."): true
        default: Octets.isAtomText(octet)
        }
    }

    /// The inside of a comment as text: quoted pairs resolved, line ends dropped, trimmed.
    static func text(ofComment comment: ArraySlice<UInt8>) -> [UInt8] {
        var content: [UInt8] = []
        var isQuoted = false
        for octet in Octets.trimmed(comment) {
            if octet == Octets.backslash, !isQuoted {
                isQuoted = true
            } else {
                self.append(octet, to: &content)
                isQuoted = false
            }
        }
        return content
    }

    private static func append(_ octet: UInt8, to content: inout [UInt8]) {
        if octet != Octets.cr, octet != Octets.lf, octet != 0 {
            content.append(octet)
        }
    }
}
