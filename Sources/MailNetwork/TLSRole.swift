// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Gives the context for the next handshake, so that renewed certificates are used without a restart.
package typealias TLSServerContextSource = @Sendable () -> TLSServerContext

/// What a client's handshake needs.
package struct TLSClientRole: Sendable {
    /// Whom to trust.
    package var context: TLSClientContext
    /// The name to ask for (SNI); nil asks for none.
    package var serverName: String?
    /// What the server's certificate must prove.
    package var verification: PeerVerification

    package init(context: TLSClientContext, serverName: String?, verification: PeerVerification) {
        self.context = context
        self.serverName = serverName
        self.verification = verification
    }
}

/// Which side of a handshake this process is.
enum TLSRole: Sendable {
    case server(TLSServerContextSource)
    case client(TLSClientRole)

    var isClient: Bool {
        if case .client = self { true } else { false }
    }

    func makeSession() throws(OpenSSLError) -> TLSSession {
        switch self {
        case .server(let context):
            try TLSSession(context())
        case .client(let role):
            try TLSSession(role.context, serverName: role.serverName, verification: role.verification)
        }
    }
}
