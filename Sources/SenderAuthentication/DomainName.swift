// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// A domain name as names are compared and asked for: lower case, A-labels, without the last dot.
///
/// RFC 1035 §2.3.4: a label has 1 to 63 octets, a name up to 253 in this form.
package struct DomainName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package var description: String { self.text }

    /// Reads the name of a host or of a zone, with or without the last dot: letters, digits, hyphens, underscores.
    ///
    /// U-labels (RFC 5890 §2.3.2.1) become A-labels, so that both spellings are one name. Nil for anything else: NUL,
    /// quotes and comments have been used to make one program see another name than the next.
    package init?(_ octets: some Collection<UInt8>) {
        if octets.allSatisfy({ $0 < 0x80 }) {
            self.init(labels: octets, where: Self.isHostCharacter)
            return
        }
        guard let text = String(validating: octets, as: UTF8.self), octets.count <= 4 * 253 else { return nil }
        var labels: [UInt8] = []
        for label in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "。" }) {
            guard let aLabel = Punycode.aLabel(label) else { return nil }
            if !labels.isEmpty { labels.append(.dot) }
            labels += aLabel
        }
        self.init(labels: labels, where: Self.isHostCharacter)
    }

    package init?(_ text: some StringProtocol) { self.init(Array(text.utf8)) }

    /// Reads a name that may hold any printable octet and the space, as the macros of SPF make them.
    init?(expanded octets: some Collection<UInt8>) {
        self.init(labels: octets) { $0.isVisible || $0 == .space }
    }

    private init?(labels octets: some Collection<UInt8>, where isAllowed: (UInt8) -> Bool) {
        var text: [UInt8] = []
        text.reserveCapacity(Swift.min(octets.count, 254))
        var length = 0
        for octet in octets {
            if octet == .dot {
                guard length > 0 else { return nil }
                length = 0
            } else {
                length += 1
                guard length <= 63, isAllowed(octet) else { return nil }
            }
            text.append(octet >= 0x41 && octet <= 0x5A ? octet | 0x20 : octet)
            guard text.count <= 254 else { return nil }
        }
        if text.last == .dot { text.removeLast() }
        guard (1...253).contains(text.count) else { return nil }
        self.text = String(decoding: text, as: UTF8.self)
    }

    private static func isHostCharacter(_ octet: UInt8) -> Bool {
        octet.isAlphanumeric || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "_")
    }

    /// The labels, the top-level domain last.
    var labels: [Substring] { self.text.split(separator: ".") }

    /// Whether this is `other`, or a name below it.
    package func isWithin(_ other: DomainName) -> Bool {
        self == other || self.text.hasSuffix("." + other.text)
    }

    /// This name with labels in front: `_dmarc` before `example.org`; nil if that is too long.
    package func prefixed(by labels: String) -> DomainName? {
        DomainName(expanded: Array("\(labels).\(self.text)".utf8))
    }
}
