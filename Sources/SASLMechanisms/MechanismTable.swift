// SPDX-License-Identifier: Apache-2.0

/// A SASL mechanism as a server offers it.
package struct SASLMechanism: Sendable {
    /// Its name as registered with IANA.
    package let name: String
    /// Whether listeners on the connection would learn the password.
    package let revealsPassword: Bool
    /// Begins an exchange; the nonce is for those that need one.
    let begin: @Sendable (_ nonce: String) -> any SASLExchange
}

/// The mechanisms there are: the one list.
///
/// The -PLUS variants with channel binding are left out: Outlook, mutt with gsasl and eM Client fail on them.
package enum MechanismTable {
    /// All of them, the best first.
    package static let all = [
        SASLMechanism(name: "SCRAM-SHA-256", revealsPassword: false) { ScramSHA256(nonce: $0) },
        SASLMechanism(name: "PLAIN", revealsPassword: true) { _ in Plain() },
        SASLMechanism(name: "LOGIN", revealsPassword: true) { _ in Login() },
    ]

    /// The names to announce: `AUTH=` capabilities in IMAP, the AUTH line of EHLO in SMTP.
    ///
    /// - Parameter allowsPlaintextPasswords: as in ``SASLAuthenticator``.
    /// - Returns: the names, the best first.
    package static func names(allowsPlaintextPasswords: Bool) -> [String] {
        self.all.filter { allowsPlaintextPasswords || !$0.revealsPassword }.map(\.name)
    }

    /// The mechanism of a name in any letter case.
    package static func mechanism(named name: String) -> SASLMechanism? {
        let name = name.uppercased()
        return self.all.first { $0.name == name }
    }
}
