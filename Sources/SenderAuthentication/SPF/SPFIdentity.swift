// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Who sends, and as whom: the arguments of `check_host()` (RFC 7208 §4.1).
package struct SPFIdentity: Sendable {
    package enum Kind: String, Sendable {
        case mailFrom = "mailfrom"
        case helo
    }

    package let kind: Kind
    /// The client's address; IPv4 also where it came mapped into IPv6.
    package let address: IPAddress
    /// What the client called itself.
    package let helo: String
    package let localPart: String
    /// The domain in the client's spelling.
    package let domain: String

    /// The reverse-path, or where it is null the name that the client gave itself (RFC 7208 §2.4).
    ///
    /// - Parameters:
    ///   - address: the client's.
    ///   - reversePath: its local part and its domain; nil if it is `<>`.
    ///   - helo: the argument of EHLO or HELO.
    package init(address: IPAddress, reversePath: (localPart: String, domain: String)?, helo: String) {
        self.address = address.unmapped
        self.helo = helo
        if let reversePath {
            self.kind = .mailFrom
            // RFC 7208 §4.3: a sender without a local part is "postmaster".
            self.localPart = reversePath.localPart.isEmpty ? "postmaster" : reversePath.localPart
            self.domain = reversePath.domain
        } else {
            self.kind = .helo
            self.localPart = "postmaster"
            self.domain = helo
        }
    }

    /// The name that the client gave itself (RFC 7208 §2.3).
    package init(address: IPAddress, helo: String) {
        self.init(address: address, reversePath: nil, helo: helo)
    }

    var sender: String { "\(self.localPart)@\(self.domain)" }
}
