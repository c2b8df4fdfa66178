// SPDX-License-Identifier: Apache-2.0

/// An account's mailboxes and those that others let it see, at one moment, for whoever compares it with another moment.
package struct AccountOverview: Hashable, Sendable {
    /// A mailbox and its figures.
    package struct Entry: Hashable, Sendable {
        package var mailbox: Mailbox
        /// Nil if the account may not read the mailbox.
        package var status: MailboxStatus?

        package init(mailbox: Mailbox, status: MailboxStatus?) {
            self.mailbox = mailbox
            self.status = status
        }
    }

    /// An annotation without its value.
    package struct AnnotationTime: Hashable, Sendable {
        /// Nil is the server.
        package var mailbox: MailboxID?
        package var entry: String
        /// When it was set.
        package var modSeq: ModSeq

        package init(mailbox: MailboxID?, entry: String, modSeq: ModSeq) {
            self.mailbox = mailbox
            self.entry = entry
            self.modSeq = modSeq
        }
    }

    /// In the order of their names' octets with `INBOX` first, then those of others.
    package var mailboxes: [Entry]
    /// Mailboxes that are made after this moment have larger identifiers.
    package var newest: MailboxID
    /// Names, also of mailboxes that are gone.
    package var subscriptions: [String]
    /// Empty if they were not asked for.
    package var annotations: [AnnotationTime]

    package init(
        mailboxes: [Entry],
        newest: MailboxID,
        subscriptions: [String],
        annotations: [AnnotationTime] = []
    ) {
        self.mailboxes = mailboxes
        self.newest = newest
        self.subscriptions = subscriptions
        self.annotations = annotations
    }
}
