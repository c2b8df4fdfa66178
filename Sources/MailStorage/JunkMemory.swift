// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailMessage

/// What accounts have taught about junk, by moving mail into and out of their mailboxes for `\Junk`, and what follows for new mail.
///
/// All methods throw ``StoreError``.
package protocol JunkMemory: Sendable {
    /// Whether any of the accounts has taught enough to judge by; costs nothing.
    func isReady(for accounts: [AccountID]) -> Bool

    /// What the accounts that have taught enough would make of a message.
    ///
    /// `domain`: the author's, if it was shown that the message is from there; in lower case.
    func judge(
        _ message: StagedMessage,
        from domain: String?,
        for accounts: [AccountID]
    ) async throws -> [AccountID: JunkVerdict]

    // MARK: For operators

    /// What has been taught, by everybody who has taught something; or by one account, which need not have.
    func junkLessons(of address: String?) async throws -> [JunkLessons]
    /// Begins anew, as if the account had never taught anything.
    func forgetJunkLessons(of address: String) async throws
}

/// How much an account has taught.
package struct JunkLessons: Hashable, Sendable {
    package var address: String
    /// Messages that were learnt.
    package var counts: LessonCounts
    /// Messages that are still to be learnt.
    package var waiting: Int
    /// Words that are known.
    package var tokens: Int
    /// Nil: never.
    package var learntAt: UnixTime?

    package init(address: String, counts: LessonCounts, waiting: Int, tokens: Int, learntAt: UnixTime?) {
        self.address = address
        self.counts = counts
        self.waiting = waiting
        self.tokens = tokens
        self.learntAt = learntAt
    }

    /// Whether new mail is judged.
    package var isReady: Bool { Classifier.isReady(self.counts) }
}

/// What is special about the delivery to an account whose filter has judged the message.
package struct JudgedDelivery: Sendable {
    /// The message with the field that says so; nil: as everybody gets it.
    package var message: StagedMessage?
    package var isJunk: Bool
    /// For the message's story.
    package var reason: String

    package init(message: StagedMessage?, isJunk: Bool, reason: String) {
        self.message = message
        self.isJunk = isJunk
        self.reason = reason
    }
}
