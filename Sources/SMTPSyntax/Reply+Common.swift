// SPDX-License-Identifier: Apache-2.0

/// The replies of RFC 5321 §4.2.2 with its texts, and those of the extensions, each with its enhanced status code
/// (RFC 3463). A command that has more to say makes its own.
extension Reply {
    // MARK: Connections

    /// The first line of a connection.
    ///
    /// Greeting = "220 " (Domain / address-literal) [ SP textstring ] CRLF
    ///
    /// RFC 2034 §4: no enhanced status code in the greeting.
    package static func serviceReady(_ domain: String, protocol name: String = "ESMTP") -> Self {
        Self(220, "\(domain) \(name) Service ready")
    }

    package static func closing(_ domain: String) -> Self {
        Self(221, EnhancedStatusCode(2, 0, 0), "\(domain) Service closing transmission channel")
    }

    /// To any command, when we must shut down or the client was silent for too long.
    package static func notAvailable(_ domain: String) -> Self {
        Self(421, EnhancedStatusCode(4, 3, 2), "\(domain) Service not available, closing transmission channel")
    }

    package static func timedOut(_ domain: String) -> Self {
        Self(421, EnhancedStatusCode(4, 4, 2), "\(domain) Timeout, closing transmission channel")
    }

    /// To a client that spoke before the greeting, or from where none may come (RFC 5321 §3.1).
    package static let noService = Self(554, EnhancedStatusCode(5, 5, 1), "No SMTP service here")

    /// The answer to STARTTLS (RFC 3207 §4).
    package static let readyToStartTLS = Self(220, EnhancedStatusCode(2, 0, 0), "Ready to start TLS")

    package static let mustStartTLS = Self(530, EnhancedStatusCode(5, 7, 0), "Must issue a STARTTLS command first")

    // MARK: Success

    package static let ok = Self(250, EnhancedStatusCode(2, 0, 0), "OK")
    package static let senderOK = Self(250, EnhancedStatusCode(2, 1, 0), "Sender OK")
    package static let recipientOK = Self(250, EnhancedStatusCode(2, 1, 5), "Recipient OK")
    package static let startMailInput = Self(354, "Start mail input; end with <CRLF>.<CRLF>")

    package static let cannotVerify = Self(
        252,
        EnhancedStatusCode(2, 5, 0),
        "Cannot VRFY user, but will accept message and attempt delivery"
    )

    // MARK: Syntax

    package static let commandUnrecognized = Self(
        500,
        EnhancedStatusCode(5, 5, 2),
        "Syntax error, command unrecognized"
    )
    package static let lineTooLong = Self(500, EnhancedStatusCode(5, 5, 2), "Line too long")
    package static let bareLineEnd = Self(500, EnhancedStatusCode(5, 5, 2), "Bare CR or LF; lines end with CRLF")
    package static let commandNotImplemented = Self(502, EnhancedStatusCode(5, 5, 1), "Command not implemented")
    package static let parametersNotRecognized = Self(
        555,
        EnhancedStatusCode(5, 5, 4),
        "MAIL FROM/RCPT TO parameters not recognized or not implemented"
    )

    /// A ``SyntaxError`` as it is told to the client: what was expected, never what was sent.
    package static func syntaxError(_ error: SyntaxError) -> Self {
        Self(501, EnhancedStatusCode(5, 5, 4), "Syntax error, expected \(error.expected)")
    }

    // MARK: Mail transactions

    package static let mailboxUnavailable = Self(550, EnhancedStatusCode(5, 1, 1), "Mailbox unavailable")
    package static let mailboxNameNotAllowed = Self(553, EnhancedStatusCode(5, 1, 3), "Mailbox name not allowed")
    package static let relayingDenied = Self(550, EnhancedStatusCode(5, 7, 1), "Relaying denied")
    /// A path that is not ASCII in a transaction without SMTPUTF8 (RFC 6531 §3.5).
    package static let needsSMTPUTF8 = Self(553, EnhancedStatusCode(5, 6, 7), "Address requires SMTPUTF8")
    package static let tooManyRecipients = Self(452, EnhancedStatusCode(4, 5, 3), "Too many recipients")
    package static let noValidRecipients = Self(554, EnhancedStatusCode(5, 5, 1), "No valid recipients")
    package static let insufficientStorage = Self(452, EnhancedStatusCode(4, 3, 1), "Insufficient system storage")
    /// More than SIZE allows, declared or sent (RFC 1870 §6).
    package static let messageTooBig = Self(552, EnhancedStatusCode(5, 3, 4), "Message size exceeds fixed limit")
    package static let localError = Self(451, EnhancedStatusCode(4, 3, 0), "Error in processing")
    /// BODY=BINARYMIME and DATA (RFC 3030 §3).
    package static let binaryNeedsChunks = Self(503, EnhancedStatusCode(5, 5, 1), "BINARYMIME requires BDAT")

    /// Content that ``DotStuffing/Decoder`` refused; close after it.
    ///
    /// 5.6.11: invalid characters.
    package static func contentRefused(_ fault: DotStuffing.Fault) -> Self {
        switch fault {
        case .bareCarriageReturn: Self(550, EnhancedStatusCode(5, 6, 11), "Bare CR in message; lines end with CRLF")
        case .bareLineFeed: Self(550, EnhancedStatusCode(5, 6, 11), "Bare LF in message; lines end with CRLF")
        case .nul: Self(550, EnhancedStatusCode(5, 6, 11), "NUL in message")
        }
    }

    // MARK: Authentication (RFC 4954 §4, §6)

    package static let authenticated = Self(235, EnhancedStatusCode(2, 7, 0), "Authentication succeeded")

    /// A challenge in base64; empty for an empty one.
    package static func challenge(_ base64: String) -> Self { Self(334, base64) }

    package static let authenticationRequired = Self(530, EnhancedStatusCode(5, 7, 0), "Authentication required")
    package static let credentialsInvalid = Self(
        535,
        EnhancedStatusCode(5, 7, 8),
        "Authentication credentials invalid"
    )
    package static let authenticationUnavailable = Self(
        454,
        EnhancedStatusCode(4, 7, 0),
        "Temporary authentication failure"
    )
    /// RFC 4954 §6: the password was right, so nobody should be asked for another one.
    package static let tooManyConnections = Self(
        454,
        EnhancedStatusCode(4, 7, 0),
        "Too many connections of this account: close one first"
    )
    package static let authenticationCancelled = Self(501, EnhancedStatusCode(5, 7, 0), "Authentication cancelled")
    package static let needsEncryption = Self(
        538,
        EnhancedStatusCode(5, 7, 11),
        "Encryption required for requested authentication mechanism"
    )
}
