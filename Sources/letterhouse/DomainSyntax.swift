// SPDX-License-Identifier: Apache-2.0

/// Domains in the settings and arguments, which must be what DNS and SMTP can carry.
enum DomainSyntax {
    /// `sub-domain *("." sub-domain)` in lower case (RFC 5321 §4.1.2), with the lengths of RFC 1035 §2.3.4.
    static func isDomain(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                    && label.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
            }
    }
}
