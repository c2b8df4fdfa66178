// SPDX-License-Identifier: Apache-2.0

/// Prepares user names and passwords for comparison: our stand-in for SASLprep (RFC 4013).
///
/// US-ASCII passes unchanged, as under SASLprep. Beyond it this is RFC 8265's OpaqueString, SASLprep's successor, but
/// for its last step: every Unicode space becomes U+0020; control characters and code points that mean nothing are
/// refused; and there is no normalisation, because the standard library has none to offer. So a user who types a
/// decomposed é must always type it so. Of the passwords that keyboards produce almost none change under NFKC, hence
/// SCRAM clients that apply all of SASLprep agree with us.
package enum PreparedString {
    /// The prepared string, or nil if it is empty, not UTF-8, or holds what it must not.
    package static func prepare(_ octets: some Collection<UInt8>) -> String? {
        guard let text = String(validating: octets, as: UTF8.self) else { return nil }
        return self.prepare(text)
    }

    /// The prepared string, or nil if it is empty or holds what it must not.
    package static func prepare(_ text: String) -> String? {
        guard !text.isEmpty else { return nil }
        var prepared = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .unassigned, .surrogate, .lineSeparator, .paragraphSeparator: return nil
            case .spaceSeparator: prepared.append(" ")
            default: prepared.append(scalar)
            }
        }
        return String(prepared)
    }
}
