// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection

/// What a client session posts to itself, or gets from the dispatcher.
package enum ClientNote: Sendable, Hashable {
    /// The wait of this number has lasted too long.
    case timeout(Int)
    /// There is another message for this connection.
    case work(Consignment)
    /// Nothing more will come: say farewell.
    case dismissal
}

/// Where to connect, and how TLS comes to the connection.
package struct RelayTarget: Sendable, Hashable {
    package enum Security: Sendable, Hashable {
        /// Clear text only.
        case none
        /// The session may ask for TLS with STARTTLS and then calls ``Connection/startTLS(after:)`` with nothing to say.
        ///
        /// When the host's certificate is not what is demanded, that must throw a `TLSFailure` of the kind `.certificate`.
        case startTLS(PeerVerification)
        /// TLS from the first octet (RFC 8314 §3.3).
        case implicit(PeerVerification)
    }

    /// A numeric IP address.
    package var address: String
    package var port: Int
    /// The host's name, for SNI; nil if it has none.
    package var serverName: String?
    package var security: Security

    package init(address: String, port: Int, serverName: String?, security: Security) {
        self.address = address
        self.port = port
        self.serverName = serverName
        self.security = security
    }
}

/// Opens the relay's connections; the program makes one of its network module, tests make one of pipes.
package protocol RelayConnector: Sendable {
    /// Connects, gives the connection to `body`, and hangs up when that returns or throws.
    ///
    /// When the task is cancelled, the connection ends at once. A write that the peer does not take for 3 minutes must
    /// throw (RFC 5321 §4.5.3.2.5): the relay has no other way to see it.
    ///
    /// - Parameters:
    ///   - target: where to.
    ///   - timeout: how long connecting may take.
    ///   - body: the session.
    /// - Throws: why there is no connection, in words for logs and reports (no secrets); what `body` throws.
    func withConnection(
        to target: RelayTarget,
        timeout: Duration,
        _ body: (any Connection<ClientNote>) async throws -> Void
    ) async throws
}
