// SPDX-License-Identifier: Apache-2.0

/// A SASL mechanism as a server offers it.
package struct SASLMechanism: Sendable {
    /// Its name as registered with IANA.
    package let name: String
    /// Whether listeners on the connection would learn the password.
    package var revealsPassword = false
    /// Whether this client can use it; one that reveals passwords is for connections where nobody listens, besides.
    var isOffered: @Sendable (SASLPeer) -> Bool = { _ in true }
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
    ]

    /// The names to announce to a client: `AUTH=` capabilities in IMAP, the AUTH line of EHLO in SMTP; the best first.
    package static func names(for peer: SASLPeer) -> [String] {
        self.all.filter { $0.isOffered(peer) && (peer.allowsPlaintextPasswords || !$0.revealsPassword) }.map(\.name)
    }

    /// The mechanism of a name in any letter case; nil if there is none for this client.
    package static func mechanism(named name: String, for peer: SASLPeer) -> SASLMechanism? {
        let name = name.uppercased()
        return self.all.first { $0.name == name && $0.isOffered(peer) }
    }
}
