// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SASLMechanisms
import SMTPSyntax

/// Replies that only a server of ours gives; the common ones are `SMTPSyntax`'s.
extension Reply {
    /// A verb that nobody has defined, or that is not for here.
    static let unknownCommand = Reply(500, EnhancedStatusCode(5, 5, 1), "Command unrecognized")
    /// RFC 5321 §4.1.4.
    static let helloFirst = Reply(503, EnhancedStatusCode(5, 5, 1), "Send EHLO first")
    static let mailFirst = Reply(503, EnhancedStatusCode(5, 5, 1), "Send MAIL first")
    static let nestedMail = Reply(
        503,
        EnhancedStatusCode(5, 5, 1),
        "A mail transaction is in progress: send RSET first"
    )
    /// RFC 2033 §4.2.
    static let noRecipientsHere = Reply(503, EnhancedStatusCode(5, 5, 1), "No valid recipients")
    static let chunksBegun = Reply(503, EnhancedStatusCode(5, 5, 1), "The message is being sent with BDAT")
    static let alreadySecure = Reply(503, EnhancedStatusCode(5, 5, 1), "TLS is already on")
    static let alreadyAuthenticated = Reply(503, EnhancedStatusCode(5, 5, 1), "Already authenticated")

    /// RFC 2920 §3.1.
    static let notSynchronized = Reply(554, EnhancedStatusCode(5, 5, 0), "Wait for the reply before the next command")
    static let notForOthers = Reply(550, EnhancedStatusCode(5, 7, 1), "You may not speak for others")
    static let notYours = Reply(553, EnhancedStatusCode(5, 7, 1), "This reverse-path is not an address of your account")
    /// RFC 6531 §3.5: at MAIL it is 550.
    static let senderNeedsSMTPUTF8 = Reply(550, EnhancedStatusCode(5, 6, 7), "Address requires SMTPUTF8")
    /// RFC 4865 §4: what HOLDFOR or HOLDUNTIL says is over already, or too far away.
    static let releaseOutOfRange = Reply(
        554,
        EnhancedStatusCode(5, 5, 4),
        "The message cannot be held until then"
    )
    static let tooManyHops = Reply(
        554,
        EnhancedStatusCode(5, 4, 6),
        "Too many Received fields: the message runs in circles"
    )
    static let sentOnBefore = Reply(
        554,
        EnhancedStatusCode(5, 4, 6),
        "The message was sent on from here before: it runs in circles"
    )
    /// 5.5.6 is about SASL responses, and nothing else (RFC 4954 §6).
    static let authenticationLineTooLong = Reply(500, EnhancedStatusCode(5, 5, 6), "Authentication line too long")

    /// The recipient can make room, so it may be tried again (RFC 3463 §3.3, X.2.2).
    static let mailboxFull = Reply(452, EnhancedStatusCode(4, 2, 2), "Mailbox is full: try again later")
    /// No room could ever be made for it.
    static let exceedsQuota = Reply(552, EnhancedStatusCode(5, 2, 2), "Message is larger than the mailbox may be")

    static func accepted(id: String, entry: QueueEntryID?) -> Reply {
        let queued = entry.map { ", queue id \($0.rawValue)" } ?? ""
        return Reply(250, EnhancedStatusCode(2, 0, 0), "Accepted as \(id)\(queued)")
    }

    /// Too many at the same time or within a minute, or a ban: it does not say which.
    static func comeLater(_ hostname: String) -> Reply {
        Reply(421, EnhancedStatusCode(4, 7, 0), "\(hostname) Too many connections from here: try again later")
    }

    /// The account has named as many within the hour as it may.
    static let tooManyWithinHour = Reply(
        450,
        EnhancedStatusCode(4, 7, 1),
        "Too many recipients within an hour: try again later"
    )

    static func credentialChanged(_ hostname: String) -> Reply {
        let text = "\(hostname) Password has changed, closing transmission channel"
        return Reply(421, EnhancedStatusCode(4, 7, 0), text)
    }

    static func tooManyErrors(_ hostname: String) -> Reply {
        Reply(421, EnhancedStatusCode(4, 7, 0), "\(hostname) Too many errors, closing transmission channel")
    }
}

extension Reply {
    /// The one place where the store's reasons get SMTP's words.
    init(_ error: StoreError) {
        switch error {
        case .full: self = .insufficientStorage
        case .overQuota: self = .mailboxFull
        case .unavailable, .inUse: self = Reply(451, EnhancedStatusCode(4, 3, 2), "System is busy: try again later")
        // At the end of a message, one recipient of several may be gone since RCPT. When the client tries again, RCPT
        // refuses that one, and the others get the message.
        case .noSuchMailbox, .notFound:
            self = Reply(451, EnhancedStatusCode(4, 2, 0), "A mailbox has gone meanwhile: try again")
        case .mailboxExists, .exists, .notPermitted, .noPermission, .tooManyKeywords, .tooManyAnnotations,
            .tooManyMailboxes, .uidsExhausted, .expunged, .newerSchema, .corrupt:
            self = .localError
        }
    }

    /// The one place where a failed authentication gets SMTP's words (RFC 4954 §4, §6).
    init(_ failure: SASLFailure) {
        switch failure {
        case .malformed: self = Reply(501, EnhancedStatusCode(5, 5, 2), "Cannot decode response")
        case .unknownMechanism: self = Reply(504, EnhancedStatusCode(5, 5, 4), "Unrecognized authentication type")
        case .encryptionRequired: self = .needsEncryption
        case .unavailable, .tooManyGuesses: self = .authenticationUnavailable
        case .invalidCredentials, .authorizationDenied, .refusedByServer, .serverNotAuthenticated:
            self = .credentialsInvalid
        }
    }
}
