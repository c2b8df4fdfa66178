// SPDX-License-Identifier: Apache-2.0

/// The argument of MAIL or RCPT (RFC 5321 §4.1.2).
package enum Path: Hashable, Sendable, CustomStringConvertible {
    /// `<>`, the reverse-path of reports to which no report may answer (RFC 5321 §4.5.5). Never a forward-path.
    case null
    /// `<Postmaster>` without a domain, which means ours (RFC 5321 §4.5.1). Never a reverse-path.
    case postmaster
    case address(EmailAddress)

    /// The longest path, in octets with its brackets (RFC 5321 §4.5.3.1.3).
    package static let limit = 256

    /// The path as it stands in a command, without a source route.
    package var description: String {
        switch self {
        case .null: "<>"
        case .postmaster: "<Postmaster>"
        case .address(let address): "<\(address)>"
        }
    }

    package var address: EmailAddress? {
        if case .address(let address) = self { address } else { nil }
    }

    /// Whether the path can be sent without SMTPUTF8 (RFC 6531).
    package var isASCII: Bool { self.address?.isASCII ?? true }
}
