// SPDX-License-Identifier: Apache-2.0

// Strings: each in the plainest form that carries it.
extension ResponseWriter {
    /// The longest string that is quoted; RFC 2683 §3.2.1.5 asks for short lines.
    private static let longestQuoted = 1000

    /// Writes a string as an atom where it is one, else as a string.
    ///
    ///     astring         = 1*ASTRING-CHAR / string
    ///
    /// QUIRK: `NIL` and what has a bracket in it is quoted, for clients that take it for something else.
    package mutating func astring(_ octets: ArraySlice<UInt8>) {
        let isAtom = octets.allSatisfy { $0.isAtomCharacter && $0 != UInt8(ascii: "[") }
        let isNIL = octets.count == 3 && octets.elementsEqual("NIL".utf8) { $0.uppercased == $1 }
        if isAtom, !octets.isEmpty, !isNIL, octets.count <= Self.longestQuoted {
            self.append(octets)
        } else {
            self.string(octets)
        }
    }

    /// Writes a string as an atom where it is one, else as a string.
    package mutating func astring(_ text: String) { self.astring(Array(text.utf8)[...]) }

    /// Writes a string quoted or as a literal.
    ///
    ///     string          = quoted / literal
    ///
    /// Octets that are not ASCII are quoted only if they are UTF-8 and the client has enabled it (RFC 6855 §3).
    /// QUIRK: neither form can carry NUL; it becomes 0x80, as with Dovecot, so that the length is still right.
    package mutating func string(_ octets: ArraySlice<UInt8>) {
        guard self.isQuotable(octets) else {
            self.literal(size: UInt64(octets.count))
            self.appendText(octets)
            return
        }
        self.append(.quote)
        var piece = octets.startIndex
        for index in octets.indices where octets[index] == .quote || octets[index] == .backslash {
            self.append(octets[piece..<index])
            self.append(.backslash)
            piece = index
        }
        self.append(octets[piece...])
        self.append(.quote)
    }

    /// Writes a string quoted or as a literal.
    package mutating func string(_ text: String) { self.string(Array(text.utf8)[...]) }

    /// Writes a string, or NIL for nil; the empty string is `""`.
    ///
    ///     nstring         = string / nil
    package mutating func nstring(_ octets: ArraySlice<UInt8>?) {
        if let octets { self.string(octets) } else { self.raw("NIL") }
    }

    /// Writes a string, or NIL for nil.
    package mutating func nstring(_ text: String?) {
        if let text { self.string(text) } else { self.raw("NIL") }
    }

    /// Writes the data of BINARY: a string, or a literal8 where it has NUL (RFC 9051 §6.4.5, §4.3.1).
    ///
    ///     (nstring / literal8)
    package mutating func binary(_ octets: ArraySlice<UInt8>) {
        if octets.contains(0) {
            self.literal8(size: UInt64(octets.count))
            self.append(octets)
        } else {
            self.string(octets)
        }
    }

    /// Writes what announces a literal; exactly `size` octets must follow, with ``appendText(_:)``, in any pieces.
    ///
    ///     literal         = "{" number64 ["+"] "}" CRLF *CHAR8
    package mutating func literal(size: UInt64) {
        self.append(UInt8(ascii: "{"))
        self.number(size)
        self.raw("}\r\n")
    }

    /// Writes what announces a literal8; exactly `size` octets must follow, with ``append(_:)``, in any pieces.
    ///
    ///     literal8        =  "~{" number64 "}" CRLF *OCTET
    package mutating func literal8(size: UInt64) {
        self.append(UInt8(ascii: "~"))
        self.literal(size: size)
    }

    /// Appends a piece of a literal, in which NUL may not be and becomes 0x80.
    package mutating func appendText(_ octets: ArraySlice<UInt8>) {
        guard octets.contains(0) else {
            self.append(octets)
            return
        }
        for octet in octets { self.append(octet == 0 ? 0x80 : octet) }
    }

    private func isQuotable(_ octets: ArraySlice<UInt8>) -> Bool {
        guard octets.count <= Self.longestQuoted else { return false }
        var isASCII = true
        for octet in octets {
            switch octet {
            case 0x20...0x7E, 0x09: break
            case 0x80...: isASCII = false
            default: return false
            }
        }
        return isASCII || self.encoding == .utf8 && String(validating: octets, as: UTF8.self) != nil
    }
}
