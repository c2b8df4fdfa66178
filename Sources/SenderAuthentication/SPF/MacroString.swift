// SPDX-License-Identifier: Apache-2.0

/// A macro-string of an SPF record, not expanded (RFC 7208 §7.1).
///
///     macro-string = *( macro-expand / macro-literal )
///     macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
struct MacroString: Sendable, Equatable {
    enum Piece: Sendable, Equatable {
        case literal([UInt8])
        case macro(Macro)
    }

    struct Macro: Sendable, Equatable {
        /// In lower case.
        let letter: UInt8
        /// An upper-case letter: what comes out is URL-escaped.
        let isEscaped: Bool
        /// How many labels from the right are kept; nil keeps all.
        let kept: Int?
        let isReversed: Bool
        let delimiters: [UInt8]
    }

    private(set) var pieces: [Piece] = []

    /// Where a macro-string stands decides which letters it may have.
    enum Place {
        /// In a term of a record.
        case term
        /// In the text that `exp` points to: spaces too, and the letters c, r and t.
        case explanation
    }

    init?(_ octets: ArraySlice<UInt8>, in place: Place) {
        var rest = octets
        var literal: [UInt8] = []
        while let octet = rest.popFirst() {
            guard octet == .percent else {
                // macro-literal = %x21-24 / %x26-7E
                guard octet.isVisible || (octet == .space && place == .explanation) else { return nil }
                literal.append(octet)
                continue
            }
            switch rest.popFirst() {
            case .percent: literal.append(.percent)
            case UInt8(ascii: "_"): literal.append(.space)
            case UInt8(ascii: "-"): literal += Array("%20".utf8)
            case UInt8(ascii: "{"):
                guard let end = rest.firstIndex(of: UInt8(ascii: "}")),
                    let macro = Self.macro(rest[..<end], in: place)
                else { return nil }
                if !literal.isEmpty { self.pieces.append(.literal(literal)) }
                literal = []
                self.pieces.append(.macro(macro))
                rest = rest[(end + 1)...]
            default: return nil
            }
        }
        if !literal.isEmpty { self.pieces.append(.literal(literal)) }
    }

    /// What stands between the braces.
    ///
    ///     macro-letter = "s" / "l" / "o" / "d" / "i" / "p" / "h" / "c" / "r" / "t" / "v"
    ///     transformers = *DIGIT [ "r" ]
    ///     delimiter    = "." / "-" / "+" / "," / "/" / "_" / "="
    private static func macro(_ octets: ArraySlice<UInt8>, in place: Place) -> Macro? {
        var rest = octets
        guard let character = rest.popFirst(), character.isLetter else { return nil }
        let letter = character | 0x20
        guard (place == .term ? "slodiphv" : "slodiphvcrt").utf8.contains(letter) else { return nil }
        let digits = rest.prefix(while: \.isDigit)
        rest = rest.dropFirst(digits.count)
        // More than any name has labels is all of them; zero is an error.
        let number = digits.reduce(0) { min($0 * 10 + Int($1 - 0x30), 1_000) }
        guard digits.isEmpty || number > 0 else { return nil }
        let isReversed = rest.first.map { $0 | 0x20 == UInt8(ascii: "r") } ?? false
        if isReversed { rest = rest.dropFirst() }
        guard rest.allSatisfy({ ".-+,/_=".utf8.contains($0) }) else { return nil }
        return Macro(
            letter: letter,
            isEscaped: character != letter,
            kept: digits.isEmpty ? nil : number,
            isReversed: isReversed,
            delimiters: rest.isEmpty ? [.dot] : Array(rest)
        )
    }

    /// The letters that it needs.
    var letters: Set<UInt8> {
        Set(
            self.pieces.compactMap { piece in
                guard case .macro(let macro) = piece else { return nil }
                return macro.letter
            }
        )
    }

    /// What it stands for, cut off once it is longer than anything it could be used for.
    func expanded(by value: (_ letter: UInt8) -> [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for piece in self.pieces where result.count < Self.maximumLength {
            switch piece {
            case .literal(let octets): result += octets
            case .macro(let macro): result += macro.transformed(value(macro.letter))
            }
        }
        return result
    }

    private static let maximumLength = 16_384
}

extension MacroString.Macro {
    /// The value split at the delimiters, perhaps reversed, its last parts joined with dots.
    func transformed(_ value: [UInt8]) -> [UInt8] {
        var parts = value.split(omittingEmptySubsequences: false) { self.delimiters.contains($0) }
        if self.isReversed { parts.reverse() }
        if let kept = self.kept { parts = parts.suffix(kept) }
        let joined = Array(parts.joined(separator: [.dot]))
        guard self.isEscaped else { return joined }
        return joined.flatMap { octet -> [UInt8] in
            // unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~" (RFC 3986 §2.3)
            if octet.isAlphanumeric || "-._~".utf8.contains(octet) { return [octet] }
            let digits = Array("0123456789ABCDEF".utf8)
            return [.percent, digits[Int(octet >> 4)], digits[Int(octet & 0x0F)]]
        }
    }
}
