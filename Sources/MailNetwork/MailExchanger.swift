// SPDX-License-Identifier: Apache-2.0

/// A host that takes the mail of a domain.
package struct MailExchanger: Sendable, Equatable {
    /// Lower is better.
    package let preference: Int
    /// The host's name without the last dot, in lower case; the root's, `.`, says that the domain takes no mail.
    package let name: String
    /// DNSSEC proves that the domain named it.
    package let isSecure: Bool

    package init(preference: Int, name: String, isSecure: Bool = false) {
        self.preference = preference
        self.name = name
        self.isSecure = isSecure
    }

    /// The domain takes no mail (RFC 7505 §3).
    package var isNull: Bool { self.name == "." }

    /// Reads the RDATA of an MX record (RFC 1035 §3.3.9): a preference of 16 bits and a domain name.
    ///
    /// Nil if it is cut off, goes on behind the name, or its name is none that a host can have.
    init?(rdata: [UInt8], isSecure: Bool) {
        guard rdata.count > 2, let name = DomainName(wireFormat: rdata[2...]) else { return nil }
        self.init(preference: Int(rdata[0]) << 8 | Int(rdata[1]), name: name.text, isSecure: isSecure)
    }
}
