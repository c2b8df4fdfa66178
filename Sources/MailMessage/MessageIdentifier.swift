// SPDX-License-Identifier: Apache-2.0

/// A message identifier, without its angle brackets (RFC 5322 §3.6.4).
///
/// In the one spelling that RFC 5256 §3 ("REFERENCES") compares: no comments or white space, quotes only where the left
/// side needs them.
package struct MessageIdentifier: Hashable, Sendable {
    /// `id-left "@" id-right`; not empty.
    package let octets: [UInt8]

    package init(octets: [UInt8]) {
        self.octets = octets
    }

    /// The identifiers in the value of a `Message-ID`, `In-Reply-To` or `References` field, in their order.
    ///
    ///     msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]
    ///
    /// Phrases and whatever else stands between them (`obs-in-reply-to`, `obs-references`) are passed over.
    package static func list(in value: ArraySlice<UInt8>) -> [MessageIdentifier] {
        var scanner = HeaderScanner(value)
        var identifiers: [MessageIdentifier] = []
        while true {
            scanner.skipCFWS()
            switch scanner.current {
            case nil:
                return identifiers
            case UInt8(ascii: "<"):
                scanner.advance()
                if let identifier = self.identifier(&scanner) {
                    identifiers.append(identifier)
                }
            case Octets.quote:
                _ = scanner.quotedString()
            default:
                scanner.advance()
            }
        }
    }

    /// What stands between the brackets; nil if nothing does.
    ///
    /// Without a closing bracket, all up to the next opening one.
    private static func identifier(_ scanner: inout HeaderScanner) -> MessageIdentifier? {
        var octets: [UInt8] = []
        while let octet = scanner.current, octet != UInt8(ascii: "<") {
            switch octet {
            case UInt8(ascii: ">"):
                scanner.advance()
                return octets.isEmpty ? nil : MessageIdentifier(octets: octets)
            case Octets.quote:
                let content = scanner.quotedString()
                octets.append(
                    contentsOf: AddressMailbox.isDotAtom(content) ? content : AddressMailbox.quoted(content)
                )
            case UInt8(ascii: "("):
                scanner.skipCFWS()
            default:
                scanner.advance()
                if octet > 0x20, octet != 0x7F {
                    octets.append(octet)
                }
            }
        }
        return octets.isEmpty ? nil : MessageIdentifier(octets: octets)
    }

    /// A new identifier: the time and `random` in hexadecimal, at `domain`.
    ///
    /// At least 12 octets of good randomness make it unique without asking anyone (RFC 5322 §3.6.4).
    package static func generate(time: UnixTime, random: [UInt8], domain: [UInt8]) -> MessageIdentifier {
        var octets = Array(String(time.rawValue.magnitude, radix: 36).utf8)
        octets.append(UInt8(ascii: "."))
        for octet in random {
            octets.append(Octets.lowercased(Octets.hexadecimalDigit(octet >> 4)))
            octets.append(Octets.lowercased(Octets.hexadecimalDigit(octet)))
        }
        octets.append(UInt8(ascii: "@"))
        octets.append(contentsOf: domain)
        return MessageIdentifier(octets: octets)
    }

    /// In its angle brackets, as fields write it.
    package var bracketed: [UInt8] {
        [UInt8(ascii: "<")] + self.octets + [UInt8(ascii: ">")]
    }
}
