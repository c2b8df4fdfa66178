// SPDX-License-Identifier: Apache-2.0

/// A SASL mechanism as a server offers it.
package struct SASLMechanism: Sendable {
    /// Its name as registered with IANA.
    package let name: String
    /// Whether listeners on the connection would learn the password.
    package var revealsPassword = false
    /// Whether this client can use it; one that reveals passwords is for connections where nobody listens, besides.
    var isOffered: @Sendable (SASLPeer) -> Bool = { _ in true }
    /// Whether somebody must know about tokens.
    var needsTokens = false
    /// Begins an exchange; the nonce is for those that need one.
    let begin: @Sendable (_ nonce: String, SASLPeer) -> any SASLExchange
}

/// The mechanisms there are: the one list.
package enum MechanismTable {
    /// All of them, the best first.
    package static let all = [
        SASLMechanism(name: "EXTERNAL", isOffered: { !$0.certifiedAddresses.isEmpty }) { _, peer in
            External(certifiedAddresses: peer.certifiedAddresses)
        },
        SASLMechanism(name: "SCRAM-SHA-256-PLUS", isOffered: { !$0.channelBindings.isEmpty }) { nonce, peer in
            ScramSHA256(nonce: nonce, binding: .required(peer.channelBindings))
        },
        SASLMechanism(name: "SCRAM-SHA-256") { nonce, peer in
            ScramSHA256(nonce: nonce, binding: peer.channelBindings.isEmpty ? .unknown : .offered)
        },
        SASLMechanism(name: "PLAIN", revealsPassword: true) { _, _ in Plain() },
        SASLMechanism(name: "LOGIN", revealsPassword: true) { _, _ in Login() },
        SASLMechanism(name: "OAUTHBEARER", revealsPassword: true, needsTokens: true) { _, _ in
            BearerToken(.oauthBearer)
        },
        SASLMechanism(name: "XOAUTH2", revealsPassword: true, needsTokens: true) { _, _ in BearerToken(.xoauth2) },
    ]

    /// The names to announce to a client: `AUTH=` capabilities in IMAP, the AUTH line of EHLO in SMTP; the best first.
    ///
    /// `acceptsTokens`: whether somebody knows whose a token is.
    static func names(for peer: SASLPeer, acceptsTokens: Bool) -> [String] {
        self.all.filter { mechanism in
            mechanism.isOffered(peer) && (acceptsTokens || !mechanism.needsTokens)
                && (peer.allowsPlaintextPasswords || !mechanism.revealsPassword)
        }.map(\.name)
    }

    /// The mechanism of a name in any letter case; nil if there is none for this client.
    static func mechanism(named name: String, for peer: SASLPeer, acceptsTokens: Bool) -> SASLMechanism? {
        let name = name.uppercased()
        return self.all.first {
            $0.name == name && $0.isOffered(peer) && (acceptsTokens || !$0.needsTokens)
        }
    }
}
