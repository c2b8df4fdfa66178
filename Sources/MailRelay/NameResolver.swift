// SPDX-License-Identifier: Apache-2.0

/// What the relay asks of the domain name system.
///
/// Names are in ASCII or what the address had; answers are numeric addresses and host names. Aliases are followed by the
/// resolver.
package protocol NameResolver: Sendable {
    /// The hosts that take a domain's mail (RFC 5321 §5.1), in any order; empty if the domain exists and names none.
    func mailExchangers(of domain: String) async throws(ResolutionFailure) -> [MailExchange]
    /// The numeric addresses of a host, the preferred ones first; never empty.
    func addresses(of host: String) async throws(ResolutionFailure) -> [String]
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
}
