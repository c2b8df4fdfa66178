// SPDX-License-Identifier: Apache-2.0

import MailMessage

extension AuthenticationResults {
    /// Whether a field that came from outside claims to be ours, or may be read as if it did (RFC 8601 §5).
    ///
    /// The name counts however it is spelled: case, folding, comments, quotes, a version behind it, a last dot, U-labels.
    /// A field of which nobody can say whose it is claims to be ours too.
    package static func isForged(_ field: HeaderField, authservID: String) -> Bool {
        guard field.isNamed(self.fieldName) else { return false }
        guard let claimed = self.claimedID(field.value) else { return true }
        let ours = Octets.lowercased(Array(authservID.utf8))
        if claimed.starts(with: ours), claimed.dropFirst(ours.count).drop(while: { $0 == .dot }).allSatisfy(\.isDigit) {
            return true
        }
        let name = claimed.prefix { $0 != .slash }
        guard let domain = DomainName(name), domain != DomainName(ours) else { return true }
        // For who takes the first word alone.
        let first = self.claimedID(field.value, isWhole: false)?.prefix { $0 != .slash }
        return first.flatMap { DomainName($0) } == DomainName(ours)
    }

    /// Everything before the first semicolon in lower case, without comments, white space and quotes.
    ///
    /// Nil if there is nothing, or a comment or quoted string does not end. Not `isWhole`: its first word.
    private static func claimedID(_ value: ArraySlice<UInt8>, isWhole: Bool = true) -> [UInt8]? {
        var scanner = StructuredScanner(value)
        var result: [UInt8] = []
        while true {
            guard scanner.skipCFWS() else { return nil }
            guard let octet = scanner.current, octet != .semicolon else { break }
            if octet == .quote {
                guard let text = scanner.quotedString() else { return nil }
                result += text.filter { !$0.isWhitespace }
            } else {
                let text = scanner.take {
                    !$0.isWhitespace && $0 != .semicolon && $0 != UInt8(ascii: "(") && $0 != .quote
                }
                result += text
            }
            if !isWhole { break }
        }
        return result.isEmpty ? nil : Octets.lowercased(result)
    }
}
