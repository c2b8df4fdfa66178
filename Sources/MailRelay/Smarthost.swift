// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms
import SMTPSyntax

/// A host that takes mail of ours whoever it is for.
package struct Smarthost: Sendable {
    package enum Security: Sendable, Hashable {
        /// TLS from the first octet; the certificate must be good for the host's name.
        case implicit
        /// STARTTLS; the certificate must be good for the host's name.
        case startTLS
        /// STARTTLS if offered, whatever the certificate. A login is sent over TLS only.
        case opportunistic
        /// Clear text, also for a login: for tests.
        case none
    }

    package struct Login: Sendable {
        package var user: String
        /// Asked for at each attempt; what it throws defers the message.
        package var password: @Sendable () async throws -> Password

        package init(user: String, password: @escaping @Sendable () async throws -> Password) {
            self.user = user
            self.password = password
        }
    }

    /// A name or a numeric address.
    package var host: String
    package var port: Int
    package var security: Security
    package var login: Login?

    package init(host: String, port: Int, security: Security, login: Login? = nil) {
        self.host = host
        self.port = port
        self.security = security
        self.login = login
    }
}

/// Which mail goes through which smarthost.
package struct SmarthostRule: Sendable {
    /// The recipients' domains: a name, or `*.` and a name for all below it; in lower case.
    ///
    /// Empty: all.
    package var domains: [String]
    /// The senders' addresses, or their domains, as those of recipients; in lower case.
    ///
    /// Empty: all, also the null reverse-path.
    package var senders: [String]
    /// Nil: such mail goes to the hosts that the name system says.
    package var smarthost: Smarthost?

    package init(domains: [String] = [], senders: [String] = [], smarthost: Smarthost?) {
        self.domains = domains
        self.senders = senders
        self.smarthost = smarthost
    }

    /// `domain`: in lower case.
    func applies(to domain: String, from reversePath: String) -> Bool {
        guard self.domains.isEmpty || self.domains.contains(where: { Self.matches($0, domain) }) else { return false }
        guard !self.senders.isEmpty else { return true }
        let sender = reversePath.lowercased()
        guard let at = sender.lastIndex(of: "@") else { return false }
        let domain = String(sender[sender.index(after: at)...])
        let senderDomain = Punycode.aLabels(of: domain) ?? domain
        return self.senders.contains { $0.contains("@") ? $0 == sender : Self.matches($0, senderDomain) }
    }

    private static func matches(_ pattern: String, _ domain: String) -> Bool {
        pattern.hasPrefix("*.") ? domain.hasSuffix(pattern.dropFirst()) : domain == pattern
    }
}
