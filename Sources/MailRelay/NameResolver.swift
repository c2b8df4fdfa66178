// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What the relay asks of the domain name system.
///
/// Names are in ASCII or what the address had; answers are numeric addresses and host names. Aliases are followed by the
/// resolver.
package protocol NameResolver: Sendable {
    /// The hosts that take a domain's mail (RFC 5321 §5.1), in any order; empty if the domain exists and names none.
    func mailExchangers(of domain: String) async throws(ResolutionFailure) -> [MailExchange]
    /// The numeric addresses of a host.
    func addresses(of host: String) async throws(ResolutionFailure) -> HostAddresses
    /// The TLSA records of a host's service on a TCP port (RFC 6698 §3), as far as DNSSEC vouches for them; empty if there are
    /// none, or none that it vouches for.
    ///
    /// Throws if that cannot be found out: then they must not be taken to be missing (RFC 7672 §2.2).
    func tlsaRecords(of host: String, port: Int) async throws(ResolutionFailure) -> [TLSARecord]
    /// The texts of a name's TXT records, each joined of its strings; empty if it has none, or does not exist.
    func texts(of name: String) async throws(ResolutionFailure) -> [[UInt8]]
}

/// Where a host is.
package struct HostAddresses: Sendable, Hashable {
    /// Numeric, the preferred ones first; never empty.
    package let addresses: [String]
    /// The host's names if DNSSEC has shown that these are its addresses, the one it is an alias of first; else empty.
    package let secureNames: [String]

    package init(_ addresses: [String], secureNames: [String] = []) {
        self.addresses = addresses
        self.secureNames = secureNames
    }
}

/// A host that takes a domain's mail.
package struct MailExchange: Sendable, Hashable {
    package let preference: Int
    package let name: String
    /// Whether DNSSEC has shown that the domain says so.
    package let isSecure: Bool

    package init(preference: Int, name: String, isSecure: Bool = false) {
        self.preference = preference
        self.name = name
        self.isSecure = isSecure
    }
}

/// Why the name system gives no answer that mail could follow.
package enum ResolutionFailure: Error, Sendable, Hashable {
    /// There is no such name, it can be none, or it has no address.
    case noSuchDomain
    /// The domain says that it takes no mail (RFC 7505).
    case nullMX
    /// Nobody could answer, or the answer cannot be trusted. The text is for logs.
    case temporary(String)

    /// For people.
    var words: String {
        switch self {
        case .noSuchDomain: "it does not exist"
        case .nullMX: "it takes no mail"
        case .temporary(let reason): reason
        }
    }
}
