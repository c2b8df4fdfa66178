// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// SUBSCRIBE, RFC 9051 §6.3.7.
struct SubscribeCommand: IMAPCommand {
    static let name = "SUBSCRIBE"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // subscribe = "SUBSCRIBE" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), self.mailbox)
        return Work(Footprint(reads: .mailboxes, writes: .subscriptions)) { _ in
            guard try await store.mailbox(named: name.text, needing: .lookup) != nil else {
                throw Refusal.noSuchMailbox
            }
            try await store.setSubscribed(true, name: name.text)
            return Outcome(change: .subscribed(name, true))
        }
    }
}

/// UNSUBSCRIBE, RFC 9051 §6.3.8; also from what no longer exists.
struct UnsubscribeCommand: IMAPCommand {
    static let name = "UNSUBSCRIBE"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // unsubscribe = "UNSUBSCRIBE" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), self.mailbox)
        return Work(Footprint(writes: .subscriptions)) { _ in
            try await store.setSubscribed(false, name: name.text)
            return Outcome(change: .subscribed(name, false))
        }
    }
}
