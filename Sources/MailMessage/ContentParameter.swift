// SPDX-License-Identifier: Apache-2.0

/// A parameter of `Content-Type` or `Content-Disposition` (RFC 2045 §5.1).
///
/// The value is what the header says, unquoted but not decoded: encoded words and the percent signs of RFC 2231 stay.
/// Only the segments of a continued value are joined (RFC 2231 §3): `title*0`, `title*1` become `title`; if any segment
/// is extended (§4), as in `title*0*`, they become `title*` with the value `charset'language'percent-encoded text`.
/// That is how BODYSTRUCTURE is to give them (RFC 9051 §7.5.2), except that the charset stays the sender's: clients
/// decode `title*` themselves, and a name that was decoded twice, or wrongly, would be lost.
package struct ContentParameter: Hashable, Sendable {
    /// As in the header; ends with "*" if the value is extended.
    package var name: [UInt8]
    package var value: [UInt8]

    package init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

extension [ContentParameter] {
    /// The octets of a parameter's value: of `name` itself, or else of `name*` with the percent signs resolved.
    ///
    /// The first one counts if there are several.
    package func value(of name: StaticString) -> [UInt8]? {
        if let parameter = self.first(where: { parameter in Octets.equal(parameter.name, ignoringCaseOf: name) }) {
            return parameter.value
        }
        return self.extendedValue(of: name)?.octets
    }

    /// A parameter as text, for people: `name*` in its charset, or else `name`.
    ///
    /// QUIRK: many senders put RFC 2047's encoded words into parameters, where they must not be (RFC 2047 §5); they are
    /// decoded here, and here only.
    package func text(of name: StaticString) -> String? {
        if let extended = self.extendedValue(of: name),
            let text = Charset.decode(extended.octets[...], label: extended.charset)
        {
            return text
        }
        return self.value(of: name).map { value in EncodedWord.decode(value[...]) }
    }

    /// Takes an extended value apart.
    ///
    /// `extended-initial-value = [charset] "'" [language] "'" extended-other-values` (RFC 2231 §7)
    private func extendedValue(of name: StaticString) -> (charset: [UInt8], octets: [UInt8])? {
        let parameter = self.first { parameter in
            parameter.name.last == Octets.asterisk && Octets.equal(parameter.name.dropLast(), ignoringCaseOf: name)
        }
        guard let value = parameter?.value else { return nil }
        guard let first = value.firstIndex(of: Octets.apostrophe),
            let second = value[(first + 1)...].firstIndex(of: Octets.apostrophe)
        else { return ([], PercentEncoding.decode(value[...])) }
        return ([UInt8](value[..<first]), PercentEncoding.decode(value[(second + 1)...]))
    }
}

/// The percent encoding of RFC 2231 §7.
enum PercentEncoding {
    /// Resolves `ext-octet = "%" 2(DIGIT / "A"-"F")`; what is none stays.
    static func decode(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(octets.count)
        var index = octets.startIndex
        while index < octets.endIndex {
            if octets[index] == Octets.percent, index + 2 < octets.endIndex,
                let high = Octets.hexadecimalValue(octets[index + 1]),
                let low = Octets.hexadecimalValue(octets[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(octets[index])
                index += 1
            }
        }
        return result
    }

    /// Encodes what is no `attribute-char`.
    static func encode(_ octets: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(octets.count)
        for octet in octets {
            switch octet {
            case UInt8(ascii: "."):
                result.append(octet)
            case Octets.percent, Octets.apostrophe, Octets.asterisk, UInt8(ascii: "/"), Octets.question,
                Octets.equals, 0x80...0xFF:
                result.append(contentsOf: self.escape(octet))
            default:
                if Octets.isAtomText(octet) {
                    result.append(octet)
                } else {
                    result.append(contentsOf: self.escape(octet))
                }
            }
        }
        return result
    }

    private static func escape(_ octet: UInt8) -> [UInt8] {
        [Octets.percent, Octets.hexadecimalDigit(octet >> 4), Octets.hexadecimalDigit(octet)]
    }
}
