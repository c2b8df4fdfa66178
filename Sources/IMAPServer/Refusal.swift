// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// An expected "no" to a command that was understood, told as `NO [code] text` (or `BAD`, if the client is wrong).
struct Refusal: Error, Sendable {
    var isBad: Bool
    var code: ResponseCode?
    /// Says what to do, never what the client sent.
    var text: String
    /// Nothing is wrong: the command is to be bound again when the search result variable `$` is known.
    private(set) var waitsForSavedResult = false

    init(_ text: String, code: ResponseCode? = nil, isBad: Bool = false) {
        self.isBad = isBad
        self.code = code
        self.text = text
    }

    static let noSuchMailbox = Refusal("No such mailbox", code: .nonexistent)
    /// RFC 9051 §6.3.12, §6.4.7: CREATE it and try again.
    static let tryCreate = Refusal("No such mailbox: create it first", code: .tryCreate)
    /// RFC 5530 §3.
    static let noPermission = Refusal("Its access list does not let you do that", code: .noPermission)
    static let authenticationFailed = Refusal("Authentication failed", code: .authenticationFailed)
    static let tooManyConnections = Refusal("Too many connections of this account: close one first", code: .limit)
    static let readOnly = Refusal("Mailbox is selected read-only: use SELECT", code: .noPermission)
    static let savedResultIsPending = {
        var refusal = Refusal("The search is not complete", code: .unavailable)
        refusal.waitsForSavedResult = true
        return refusal
    }()
    static let badMessageNumber = Refusal("No message has this sequence number", code: .clientBug, isBad: true)
}

extension Refusal {
    /// The one place where the store's reasons get IMAP's words.
    init(_ error: StoreError) {
        switch error {
        case .noSuchMailbox: self = .noSuchMailbox
        case .noPermission: self = .noPermission
        case .mailboxExists, .exists: self.init("Mailbox exists already", code: .alreadyExists)
        case .notPermitted(let reason): self.init(reason, code: .cannot)
        case .notFound: self.init("No such thing", code: .nonexistent)
        case .tooManyKeywords: self.init("Mailbox has too many different keywords", code: .limit)
        case .tooManyMailboxes: self.init("Too many mailboxes or subscriptions: remove some", code: .limit)
        case .tooManyAnnotations: self.init("Too many annotations: remove some", code: .limit)
        case .uidsExhausted: self.init("Mailbox has used up its UIDs: copy the messages to a new one", code: .limit)
        case .full: self.init("Storage is full: try again later", code: .overQuota)
        case .overQuota: self.init("Quota is exhausted: delete something", code: .overQuota)
        case .unavailable: self.init("Storage is busy: try again later", code: .unavailable)
        case .expunged: self.init("Some of the messages no longer exist", code: .expungeIssued)
        case .newerSchema, .corrupt: self.init("Internal error", code: .serverBug)
        default: self.init("Internal error", code: .serverBug)
        }
    }
}
