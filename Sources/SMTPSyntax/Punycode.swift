// SPDX-License-Identifier: Apache-2.0

/// Makes A-labels of U-labels (RFC 3492 §6.3, RFC 5891 §5).
package enum Punycode {
    /// A domain as the name system knows it: of A-labels, in lower case; nil if a label can be none.
    ///
    /// An address literal is left as it is.
    package static func aLabels(of domain: String) -> String? {
        guard !domain.utf8.allSatisfy({ $0 < 0x80 }) else { return domain.lowercased() }
        guard domain.utf8.count <= 4 * 253 else { return nil }
        var labels: [String] = []
        for label in domain.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "。" }) {
            guard let aLabel = self.aLabel(label), aLabel.count <= 63 else { return nil }
            labels.append(String(decoding: aLabel, as: UTF8.self).lowercased())
        }
        let name = labels.joined(separator: ".")
        return name.utf8.count <= 253 ? name : nil
    }

    /// The A-label of one label; the label itself, in lower case, if it is ASCII.
    ///
    /// The standard library cannot normalize, so a label that is not lower case in NFKC after folding, or has marks that
    /// NFC would have joined to the letter before, is no label here: what has no certain name must not be looked up
    /// under another.
    package static func aLabel(_ label: Substring) -> [UInt8]? {
        if label.utf8.allSatisfy({ $0 < 0x80 }) { return Array(label.utf8) }
        // A label longer than this cannot fit into 63 octets; the encoding takes quadratic time.
        guard label.utf8.count <= 252 else { return nil }
        let scalars = Array(label.lowercased().unicodeScalars)
        for scalar in scalars where scalar.value >= 0x80 {
            let properties = scalar.properties
            let isFolded = !properties.changesWhenNFKCCaseFolded || self.deviations.contains(scalar)
            guard isFolded, self.isWord(properties), !self.isJoined(properties), !self.isJamo(scalar) else {
                return nil
            }
        }
        guard let encoded = self.encode(scalars.map(\.value)) else { return nil }
        return Array("xn--".utf8) + encoded
    }

    /// Letters that folding takes away, and that names have nevertheless (RFC 5892 §2.6).
    private static let deviations: Set<Unicode.Scalar> = ["ß", "ς"]

    /// Letters, digits and marks; no symbols (RFC 5892 §2.1).
    private static func isWord(_ properties: Unicode.Scalar.Properties) -> Bool {
        switch properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark, .decimalNumber: true
        default: false
        }
    }

    /// Marks of the classes that precomposed letters have.
    private static func isJoined(_ properties: Unicode.Scalar.Properties) -> Bool {
        switch properties.canonicalCombiningClass.rawValue {
        case 8, 202, 216, 220, 230, 232, 240: true
        default: false
        }
    }

    /// The letters of Hangul of which NFC makes syllables.
    private static func isJamo(_ scalar: Unicode.Scalar) -> Bool { (0x1100...0x11FF).contains(scalar.value) }

    private static func encode(_ scalars: [UInt32]) -> [UInt8]? {
        var output = scalars.filter { $0 < 0x80 }.map { UInt8(truncatingIfNeeded: $0) }
        let basic = output.count
        var handled = UInt32(basic)
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var n: UInt32 = 128
        var delta: UInt32 = 0
        var bias: UInt32 = 72
        while handled < scalars.count {
            guard let next = scalars.filter({ $0 >= n }).min() else { return nil }
            // At most 252 scalars of 21 bits: this cannot overflow.
            delta += (next - n) * (handled + 1)
            n = next
            for scalar in scalars {
                if scalar < n { delta += 1 }
                guard scalar == n else { continue }
                self.append(delta, bias: bias, to: &output)
                bias = self.adapt(delta, count: handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            n += 1
        }
        return output
    }

    /// A number of variable length in base 36.
    private static func append(_ delta: UInt32, bias: UInt32, to output: inout [UInt8]) {
        var rest = delta
        var k: UInt32 = 36
        while true {
            let threshold = k <= bias ? 1 : min(k - bias, 26)
            guard rest >= threshold else { break }
            let span = 36 - threshold
            output.append(self.digit(threshold + (rest - threshold) % span))
            rest = (rest - threshold) / span
            k += 36
        }
        output.append(self.digit(rest))
    }

    private static func adapt(_ delta: UInt32, count: UInt32, isFirst: Bool) -> UInt32 {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var k: UInt32 = 0
        while delta > 455 {
            delta /= 35
            k += 36
        }
        return k + 36 * delta / (delta + 38)
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: value < 26 ? 0x61 + value : 0x30 + value - 26)
    }
}
