// SPDX-License-Identifier: Apache-2.0

/// Why an exchange did not authenticate anybody.
///
/// It names what was expected, never what was sent, and may be logged.
package enum SASLFailure: Error, Sendable, Equatable {
    /// A response breaks its mechanism's rules. IMAP: `BAD`; SMTP: `501 5.5.2`.
    case malformed(expected: String)
    /// There is no such mechanism. IMAP: `NO [CANNOT]`; SMTP: `504 5.5.4`.
    case unknownMechanism
    /// The mechanism shows the password to listeners, and the connection is not secured. IMAP: `NO [PRIVACYREQUIRED]`;
    /// SMTP: `538 5.7.11`.
    case encryptionRequired
    /// User and password do not fit, or there is no such user: which of them, nobody is told. IMAP:
    /// `NO [AUTHENTICATIONFAILED]`; SMTP: `535 5.7.8`.
    case invalidCredentials
    /// The client wants to act as somebody else. IMAP: `NO [AUTHORIZATIONFAILED]`; SMTP: `535 5.7.8`.
    case authorizationDenied
    /// Too many passwords are being checked at this moment. IMAP: `NO [UNAVAILABLE]`; SMTP: `454 4.7.0`.
    case unavailable
    /// Too many wrong passwords have come from the client's address: this one was not looked at. IMAP:
    /// `NO [UNAVAILABLE]`; SMTP: `454 4.7.0`.
    case tooManyGuesses
    /// As a client: the server did not accept us.
    case refusedByServer
    /// As a client: the server did not prove that it knows the password.
    case serverNotAuthenticated
}
