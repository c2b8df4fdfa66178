// SPDX-License-Identifier: Apache-2.0

import MailConnection

/// What the two directions of a connection to a server elsewhere tell each other.
package enum RemoteNote: Sendable {
    /// The client has sent something for the server.
    case octets([UInt8])
    /// The client sends nothing more.
    case end
}

/// Why there is no connection to a server elsewhere.
package enum RemoteFailure: Error, Sendable {
    /// Nobody answers there, or whoever does has not shown who he is.
    case unreachable
    case timeout
}

/// Servers elsewhere that the settings name, and clients reach through the bridge by that name only.
package struct RemoteTarget: Sendable {
    /// Connects over TLS to the one place there is, gives the connection to the body, and hangs up when that returns.
    ///
    /// Throws ``RemoteFailure`` if there is no connection, and what the body throws.
    package typealias Connect =
        @Sendable (_ body: (any Connection<RemoteNote>) async throws -> Void) async throws -> Void

    /// Nil: not served.
    let imap: Connect?
    let smtp: Connect?

    package init(imap: Connect?, smtp: Connect?) {
        self.imap = imap
        self.smtp = smtp
    }
}

extension HTTPRefusal {
    init(_ failure: any Error) {
        self = if case RemoteFailure.timeout = failure { .targetTimeout } else { .connectFailed }
    }
}
