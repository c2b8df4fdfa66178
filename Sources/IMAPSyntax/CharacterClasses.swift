// SPDX-License-Identifier: Apache-2.0

/// The character classes of RFC 9051 §9, as predicates of one octet.
extension UInt8 {
    /// Whether this is an ATOM-CHAR.
    ///
    ///     ATOM-CHAR      = <any CHAR except atom-specials>
    ///     atom-specials  = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
    var isAtomCharacter: Bool {
        switch self {
        case 0x21, 0x23...0x24, 0x26...0x27, 0x2B...0x5B, 0x5E...0x7A, 0x7C...0x7E: true
        default: false
        }
    }

    /// Whether this is an ASTRING-CHAR.
    ///
    ///     ASTRING-CHAR   = ATOM-CHAR / resp-specials
    var isAStringCharacter: Bool { self.isAtomCharacter || self == UInt8(ascii: "]") }

    /// Whether a tag may contain this.
    ///
    ///     tag            = 1*<any ASTRING-CHAR except "+">
    var isTagCharacter: Bool { self.isAStringCharacter && self != UInt8(ascii: "+") }

    /// Whether an unquoted LIST pattern may contain this.
    ///
    ///     list-char      = ATOM-CHAR / list-wildcards / resp-specials
    var isListCharacter: Bool {
        self.isAStringCharacter || self == UInt8(ascii: "%") || self == UInt8(ascii: "*")
    }

    /// Whether a data item, option or modifier name is made of this: no bracket, so that `BODY[` ends before it.
    var isKeywordCharacter: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    var isLowercase: Bool { self &- UInt8(ascii: "a") < 26 }

    /// The upper-case form of an ASCII letter, and every other octet as it is.
    var uppercased: UInt8 { self.isLowercase ? self & 0xDF : self }

    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let slash = UInt8(ascii: "/")
}
