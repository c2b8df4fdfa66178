// SPDX-License-Identifier: Apache-2.0

import Cryptography
import SMTPSyntax

/// Why a session came to its end before its work was done.
struct SessionFailure: Error, Sendable, Hashable {
    enum Cause: Sendable, Hashable {
        /// There was no connection, it broke, or the host was silent for too long.
        case connection
        /// The host refused to talk to us: at its greeting, at EHLO, or by 421.
        case refused
        /// TLS failed after STARTTLS.
        case handshake
        /// TLS failed because the host's certificate is not the one demanded.
        case certificate(TLSFailure.CertificateFault)
        /// The TLS that we must have, or the promise of it, is not to be had, by the host's own word.
        case noTLS
        /// The login that we must have, we cannot have: mostly our settings are wrong.
        case login
        /// The host does not keep to the protocol, or somebody speaks in its place.
        case outOfStep
        /// The host does not want this message now (4yz to MAIL), which says nothing about others.
        case transaction
        /// It is our own fault: the message cannot be read now.
        case local
    }

    let cause: Cause
    let status: DeliveryStatus

    /// Whether the host said that trying again is pointless.
    var isPermanent: Bool { (self.cause == .refused || self.cause == .noTLS) && self.status.code.class == 5 }

    /// Whether the host still listens: it has answered, and has not said that it hangs up (RFC 5321 §3.8).
    var leavesListener: Bool {
        switch self.cause {
        case .refused, .transaction: self.status.reply?.code != 421
        case .noTLS, .login: true
        case .connection, .handshake, .certificate, .outOfStep, .local: false
        }
    }

    static func connection(_ text: String) -> Self {
        Self(cause: .connection, status: DeliveryStatus(EnhancedStatusCode(4, 4, 1), text))
    }

    static func lost(waitingFor what: String) -> Self {
        Self(
            cause: .connection,
            status: DeliveryStatus(EnhancedStatusCode(4, 4, 2), "connection lost while waiting for \(what)")
        )
    }

    static func timedOut(waitingFor what: String) -> Self {
        Self(
            cause: .connection,
            status: DeliveryStatus(EnhancedStatusCode(4, 4, 2), "timed out while waiting for \(what)")
        )
    }

    static func refused(_ reply: Reply) -> Self { Self(cause: .refused, status: DeliveryStatus(reply)) }

    static func noTLS(_ text: String) -> Self {
        Self(cause: .noTLS, status: DeliveryStatus(EnhancedStatusCode(4, 7, 5), text))
    }

    static func login(_ text: String) -> Self {
        Self(cause: .login, status: DeliveryStatus(EnhancedStatusCode(4, 7, 5), text))
    }

    /// TLS failed, for that reason.
    static func tls(_ error: any Error) -> Self {
        let failure = error as? TLSFailure
        let cause: Cause =
            failure?.kind == .certificate ? .certificate(failure?.certificateFault ?? .other) : .handshake
        let text = failure?.reason ?? "\(error)"
        return Self(cause: cause, status: DeliveryStatus(EnhancedStatusCode(4, 7, 5), "TLS failed: \(text)"))
    }

    /// How to authenticate the host cannot be found out now.
    static func noSecureAnswer(_ text: String) -> Self {
        Self(cause: .connection, status: DeliveryStatus(EnhancedStatusCode(4, 7, 5), text))
    }

    /// The domain's policy does not allow mail to go to that host (RFC 8461 §4.1).
    static let notInPolicy = Self(
        cause: .noTLS,
        status: DeliveryStatus(EnhancedStatusCode(4, 7, 5), "the domain's policy does not name this host")
    )

    /// Whether other TLS, or none, may help.
    var isAboutTLS: Bool {
        switch self.cause {
        case .handshake, .certificate, .noTLS: true
        default: false
        }
    }

    /// RFC 8689 §4.2.1: the message requires what the host does not promise.
    static let requiresPromise = Self(
        cause: .noTLS,
        status: DeliveryStatus(EnhancedStatusCode(5, 7, 30), "the message requires REQUIRETLS, which is not offered")
    )

    /// RFC 8689 §4.2.1: the message requires TLS with a host that has shown who it is.
    static func requiresTLS(_ text: String) -> Self {
        Self(cause: .noTLS, status: DeliveryStatus(EnhancedStatusCode(5, 7, 10), "the message requires TLS: \(text)"))
    }

    /// The same, for a message that requires TLS: that there is none, or a host that is not what it should be, will not be
    /// better later.
    ///
    /// A handshake that only broke off may.
    var requiringTLS: Self {
        guard self.isAboutTLS, self.cause != .handshake, self.status.code.class != 5 else { return self }
        return .requiresTLS(self.status.description)
    }

    static func outOfStep(_ text: String) -> Self {
        Self(cause: .outOfStep, status: DeliveryStatus(EnhancedStatusCode(4, 5, 0), text))
    }

    static func local(_ text: String) -> Self {
        Self(cause: .local, status: DeliveryStatus(EnhancedStatusCode(4, 3, 0), text))
    }
}
