// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import MailStorage

/// What a session does for a client that wants to hear of other mailboxes than the selected one.
struct Notifications: Sendable {
    let request: NotifyRequest
    var snapshot: AccountSnapshot
    let feed: ChangeFeed
    /// Of the account, and of the mailboxes of others that count.
    var watch: ChangeFeed.Watch
    /// The account has changed since it was last compared, perhaps.
    var isStale = true
    /// It is being compared.
    var isComparing = false
    /// What the client has done itself since the comparison before.
    var own: [AccountChange] = []
    /// So many are remembered; of what comes then the client is told.
    static let ownLimit = 1_000
}

/// Telling what the client has not asked for by a command (RFC 5465).
///
/// Of the selected mailbox everything is told by ``tellChanges(mayExpunge:isUnasked:kinds:own:removed:answered:)``, here as
/// elsewhere. What the store has to be asked for is told by work that the session gives its own queue, as if the client
/// had sent a command: so it never stands within another's block, and runs at no moment when a command of the client's
/// would change what it tells.
extension IMAPSession {
    /// Takes what NOTIFY says.
    mutating func notify(_ request: NotifyRequest?, _ snapshot: AccountSnapshot?) {
        self.stopNotifications()
        self.view.listening = request?.listening ?? .toNothing
        guard let request, let snapshot, let account = self.view.account else { return }
        let feed = self.service.directory.mailStore(of: account.id).feed
        let post = self.connection.post
        let watch = feed.watch(snapshot.topics(account.id)) { post(.accountChanged) }
        self.notifications = Notifications(request: request, snapshot: snapshot, feed: feed, watch: watch)
    }

    /// Takes what the client has been told of up to, and watches other mailboxes if there are others to be watched.
    private mutating func told(_ snapshot: AccountSnapshot) {
        self.notifications?.snapshot = snapshot
        self.notifications?.own = []
        self.notifications?.isComparing = false
        guard let notifications = self.notifications, let account = self.view.account else { return }
        let topics = snapshot.topics(account.id)
        guard topics != notifications.watch.topics else { return }
        let post = self.connection.post
        self.notifications?.watch = notifications.feed.watch(topics) { post(.accountChanged) }
        notifications.feed.cancel(notifications.watch)
        // What has changed before it was watched pokes nobody.
        self.notifications?.isStale = true
    }

    mutating func stopNotifications() {
        if let notifications = self.notifications.take() { notifications.feed.cancel(notifications.watch) }
    }

    /// Remembers what the client has done itself.
    mutating func noteOwn(_ outcome: Outcome) {
        guard let change = outcome.change else { return }
        if case .added(let mailbox, let uids) = change, mailbox == self.view.selected?.id,
            !self.view.listening.items.isEmpty || self.view.contexts.contains(where: { !$0.items.isEmpty })
        {
            self.newMessages.note(own: uids)
        }
        if let count = self.notifications?.own.count, count < Notifications.ownLimit {
            self.notifications?.own.append(change)
        }
    }

    /// Remembers, before another mailbox is selected, what the client knows of this one.
    mutating func noteFiguresOfSelected() {
        guard self.notifications != nil, let selected = self.view.selected,
            var figures = self.notifications?.snapshot.mailboxes[selected.id]?.figures
        else { return }
        figures.messages = selected.uids.count
        figures.uidNext = selected.uidNext
        figures.highestModSeq = selected.knownUntil
        if let index = selected.resident.current, index.highestModSeq == selected.told, !selected.isOwing {
            figures.unseen = index.unseenCount
        }
        self.notifications?.snapshot.note(figures, of: selected.id)
        self.notifications?.isStale = true
    }

    // MARK: Moments

    /// Whether what no command has asked for may be written now.
    private var mayTellUnasked: Bool {
        guard self.isOpen, !self.isEnding, !self.isAtEndOfOctets, self.blocks.holder == nil else { return false }
        switch self.expecting {
        case .command: return !self.framer.isWithinLiteral
        case .done: return true
        case .saslResponse, .message: return false
        }
    }

    private var isIdling: Bool { if case .done = self.expecting { true } else { false } }

    /// Whether EXPUNGE may be told outside commands; IDLE is one (RFC 5465 §4, §6.1).
    private var mayExpungeUnasked: Bool { self.isIdling || self.view.listening.expungesOutsideCommands }

    /// Tells what has changed in the selected mailbox, in IDLE, or at any time if the client wants that.
    ///
    /// A command that changes something tells it with its completion, and knows whose change it was.
    mutating func tellChangesUnasked() throws -> LongNews? {
        guard self.isIdling || self.view.listening.isOutsideCommands, self.mayTellUnasked, self.queue.isQuiet,
            let selected = self.view.selected
        else { return nil }
        let mayExpunge = self.mayExpungeUnasked
        // Before the comparison, also if that finds nothing: a change after it pokes again.
        self.watch?.rearm()
        guard
            selected.hasNews(
                selected.resident.current,
                mayExpunge: mayExpunge && self.queue.mayExpunge,
                wanted: self.view.listening.kinds
            )
        else { return nil }
        return try self.tellChanges(mayExpunge: mayExpunge, isUnasked: true)
    }

    /// Queues what tells of other mailboxes and of new messages; false if there is nothing to tell now.
    mutating func queueUnasked() throws -> Bool {
        guard self.notifications != nil || !self.newMessages.isEmpty, self.mayTellUnasked, self.queue.isQuiet else {
            return false
        }
        // RFC 5465 §5.2: "The FETCH response(s) MUST follow any ESEARCH ADDTO responses."
        if self.queue.isEmpty, !self.newMessages.isEmpty, !self.isEvaluatingContexts,
            let answer = try self.descriptionOfNewMessages()
        {
            self.queue.add(tag: "", name: "", work: answer)
        } else if let comparison = self.comparison() {
            self.queue.add(tag: "", name: "", work: comparison)
        }
        return true
    }

    // MARK: Work

    /// Compares the account with what the client knows of it.
    private mutating func comparison() -> Work? {
        guard let notifications = self.notifications, notifications.isStale, !notifications.isComparing,
            let store = try? self.view.store()
        else { return nil }
        self.notifications?.isStale = false
        self.notifications?.isComparing = true
        let isCondstore = self.view.isCondstore
        let appendLimit = self.service.options.messageLimit
        let reads = Footprint(reads: [.flags, .messages, .mailboxes, .subscriptions])
        return .unasked(reads) { output in
            notifications.watch.rearm()
            let request = notifications.request
            let overview = try await store.overview(includingAnnotations: request.wantsMetadata)
            var snapshot = notifications.snapshot
            let notices = snapshot.update(
                to: overview,
                for: request,
                own: notifications.own,
                selected: output.selected?.id,
                isCondstore: isCondstore
            )
            guard let notices else { return Outcome(effect: .toldOfAccount(nil)) }
            for notice in notices {
                output.writer.write(notice, appendLimit: appendLimit)
                try await output.flushIfLarge()
            }
            return Outcome(effect: .toldOfAccount(snapshot))
        }
    }

    /// Fetches what the client wants to know of new messages; nothing makes them `\Seen`.
    private mutating func descriptionOfNewMessages() throws -> Work? {
        let groups = self.newMessages.take()
        guard !groups.isEmpty else { return nil }
        let store = try self.view.store()
        let (isRev2, isCondstore) = (self.view.isRev2, self.view.isCondstore)
        // Its responses have message numbers: beside it no command could tell of EXPUNGEs. So none runs; it begins when
        // nothing else does, and is not long.
        return .unasked(.barrier) { output in
            for group in groups {
                // RFC 7162 §3.2.4: it is in all that was not asked for.
                let hasModSeq = group.items.contains { $0 is ModSeqItem }
                let items = isCondstore && !hasModSeq ? group.items + [ModSeqItem()] : group.items
                let needs = items.reduce(into: FetchNeeds()) { $0.formUnion($1.needs) }
                let answer = FetchAnswer(items: items, needs: needs, uids: group.uids, isRev2: isRev2)
                do {
                    if needs.isDisjoint(with: .fromStore) {
                        _ = try await answer.writeFromMemory(&output)
                    } else {
                        _ = try await answer.write(&output, from: store, setsSeen: false)
                    }
                } catch is Refusal {
                    // An item that cannot be had of a message: the others have been told.
                }
            }
            return Outcome()
        }
    }

    /// Ends such a work's block.
    mutating func completeUnasked(_ result: CommandResult) throws {
        switch result.outcome {
        case .success(let outcome):
            switch outcome.effect {
            case .toldOfAccount(let snapshot?):
                self.told(snapshot)
            case .toldOfAccount(nil):
                // RFC 5465 §5.8: "as if a NOTIFY NONE command had just been received".
                self.notify(nil, nil)
                self.output.untagged(.ok, code: .notificationOverflow, "There are too many mailboxes")
            default: break
            }
        case .failure(let error) where error is CancellationError || error is BrokenResponse:
            throw error
        case .failure(let error):
            // What was not told is told with the next change.
            self.notifications?.isComparing = false
            Logger.current.warning("Notification failed", metadata: ["error": "\(error)"])
        }
    }
}

extension MailboxIndex {
    /// How many messages are not `\Seen`.
    fileprivate var unseenCount: Int {
        var count = 0
        self.forEachPage { page in page.forEach { _, slot in if !slot.flags.contains(.seen) { count += 1 } } }
        return count
    }
}
