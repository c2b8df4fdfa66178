// SPDX-License-Identifier: Apache-2.0

/// The server's side of one authentication exchange (RFC 4422 §3), without I/O, clock or store.
///
/// `SASLAuthenticator` drives it; a mechanism is one value type that conforms.
package protocol SASLExchange: Sendable {
    /// Begins.
    ///
    /// - Parameter initialResponse: what came with the command, nil if nothing did. An empty response (`=` in IMAP and
    ///   SMTP) is not nil.
    /// - Returns: what it wants next.
    mutating func start(_ initialResponse: [UInt8]?) -> SASLStep

    /// Goes on with the client's answer to the last challenge.
    mutating func respond(to response: [UInt8]) -> SASLStep

    /// Goes on after ``SASLStep/lookUp(user:)``.
    mutating func provide(_ verifier: PasswordVerifier) -> SASLStep

    /// Goes on after ``SASLStep/checkToken(_:user:)``, when the token is good for nobody here.
    ///
    /// `scope` is what it would have to have.
    mutating func refuseToken(scope: String?) -> SASLStep
}

extension SASLExchange {
    /// Client-first mechanisms ask for the response that was not there with an empty challenge.
    package mutating func start(_ initialResponse: [UInt8]?) -> SASLStep {
        guard let initialResponse else { return .challenge([]) }
        return self.respond(to: initialResponse)
    }

    /// Mechanisms that never ask need no answer.
    package mutating func provide(_ verifier: PasswordVerifier) -> SASLStep {
        .failure(.malformed(expected: "no verifier"))
    }

    /// Mechanisms without tokens end at once.
    package mutating func refuseToken(scope: String?) -> SASLStep { .failure(.invalidCredentials) }
}

/// What an exchange wants next.
package enum SASLStep: Sendable {
    /// Send this, not yet in base64, and pass on the answer.
    case challenge([UInt8])
    /// Find the user's verifier, or an imitation of one, and call ``SASLExchange/provide(_:)``.
    case lookUp(user: String)
    /// The exchange is over; the client is who it says if the password is right.
    case check(user: String, password: Password)
    /// The client is whom the token is good for, who must be `user` unless that is nil; if nobody, call
    /// ``SASLExchange/refuseToken(scope:)``.
    case checkToken(String, user: String?)
    /// The exchange is over; the client is this user, if there is one: somebody else vouches for it.
    case trust(user: String)
    /// The exchange is over; the client is the user that was looked up.
    case success
    /// The exchange is over, in vain.
    case failure(SASLFailure)
}
