// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Says *that* something changed, never *what*: "what" is a question to the store.
///
/// Losing or merging pokes is therefore harmless, and a watcher never has more than one waiting.
package final class ChangeFeed: Sendable {
    /// What can be watched.
    package enum Topic: Hashable, Sendable {
        case mailbox(MailboxID)
        /// Mailboxes of the account came, went or were renamed.
        case mailboxList(AccountID)
        /// Anything of the account: its list of mailboxes, their messages, subscriptions, annotations.
        case account(AccountID)
        /// The account's password was changed, or the account removed.
        case credential(AccountID)
        /// One of the account's tokens was removed.
        case tokens(AccountID)
        /// Messages came into the queue, or an operator changed something there.
        case queue
    }

    /// One watcher's interest in some topics.
    package final class Watch: Sendable {
        package let topics: Set<Topic>
        private let isPoked = Atomic(false)
        private let post: @Sendable () -> Void

        init(_ topics: Set<Topic>, post: @escaping @Sendable () -> Void) {
            self.topics = topics
            self.post = post
        }

        func poke() { if !self.isPoked.exchange(true, ordering: .acquiringAndReleasing) { self.post() } }

        /// Call before asking the store what changed: a change after that pokes again.
        package func rearm() { self.isPoked.store(false, ordering: .releasing) }
    }

    private let watches = Mutex<[Topic: [ObjectIdentifier: Watch]]>([:])

    package init() {}

    /// Calls `post` after each commit that touched `topic`, but at most once until ``Watch/rearm()``.
    ///
    /// `post` runs on the store's thread: it must only put something into an inbox.
    package func watch(_ topic: Topic, post: @escaping @Sendable () -> Void) -> Watch {
        self.watch([topic], post: post)
    }

    /// The same for commits that touched any of the topics.
    package func watch(_ topics: Set<Topic>, post: @escaping @Sendable () -> Void) -> Watch {
        let watch = Watch(topics, post: post)
        self.watches.withLock { watches in
            for topic in topics { watches[topic, default: [:]][ObjectIdentifier(watch)] = watch }
        }
        return watch
    }

    package func cancel(_ watch: Watch) {
        self.watches.withLock { watches in
            for topic in watch.topics {
                watches[topic]?[ObjectIdentifier(watch)] = nil
                if watches[topic]?.isEmpty == true { watches[topic] = nil }
            }
        }
    }

    /// Whether anybody watches; the store keeps a mailbox resident while somebody does.
    package func isWatched(_ topic: Topic) -> Bool { self.watchers(of: topic) > 0 }

    /// How many watch it.
    package func watchers(of topic: Topic) -> Int { self.watches.withLock { watches in watches[topic]?.count ?? 0 } }

    /// Called by the store after a commit.
    package func publish(_ topics: Set<Topic>) {
        let touched = self.watches.withLock { watches in
            topics.flatMap { topic in watches[topic].map { Array($0.values) } ?? [] }
        }
        for watch in touched { watch.poke() }
    }
}
