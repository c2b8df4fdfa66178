// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import MailStorage

/// Running commands, and what happens when they end.
extension IMAPSession {
    /// Starts every command that may start now.
    ///
    /// Those that memory answers are complete when this returns.
    mutating func startCommands(_ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        while self.isOpen, !self.isEnding, let entry = self.queue.startNext(allowsInline: self.blocks.holder == nil) {
            if entry.work.isInline {
                try await self.runInline(entry)
            } else {
                self.runBeside(entry, in: &group)
            }
        }
    }

    private mutating func runInline(_ entry: CommandQueue.Entry) async throws {
        let sink = self.sink
        var output = CommandOutput(tag: entry.tag, selected: self.view.selected, writer: self.output) { octets in
            try await sink.write(octets)
        }
        self.output = ResponseWriter(encoding: self.view.nameEncoding)
        let result: CommandResult.Ending
        do {
            result = .success(try await entry.work.body(&output))
        } catch {
            result = .failure(error)
        }
        self.output = output.writer
        try await self.complete(entry, CommandResult(outcome: result))
    }

    /// Runs a command in a child task that knows only the store; it answers by notes to the inbox.
    private mutating func runBeside(_ entry: CommandQueue.Entry, in group: inout ThrowingDiscardingTaskGroup<any Error>)
    {
        let post = self.connection.post
        let (credits, grant) = AsyncStream.makeStream(of: Void.self)
        self.credits[entry.id] = grant
        if entry.work.footprint.toldFlags != nil { self.beginnings[entry.id] = self.view.selected?.told }
        let id = entry.id
        let (tag, body, encoding, selected) = (
            entry.tag, entry.work.body, self.view.nameEncoding, self.view.selected
        )
        let isCompressed = self.view.isCompressed
        let progress = ProgressReport(now: self.service.time.now) { done, goal in
            post(.progress(command: id, done: done, goal: goal))
        }
        group.addTask {
            var iterator = credits.makeAsyncIterator()
            let writer = ResponseWriter(encoding: encoding)
            var output = CommandOutput(tag: tag, selected: selected, writer: writer) { octets in
                post(.piece(command: id, octets: octets))
                // Nil only when the session has ended.
                guard await iterator.next(isolation: #isolation) != nil else { throw CancellationError() }
            }
            output.progress = progress
            output.keepsResponsesApart = isCompressed
            let result: CommandResult.Ending
            do {
                result = .success(try await body(&output))
            } catch {
                result = .failure(error)
            }
            post(.finished(command: id, octets: output.writer.take(), result: CommandResult(outcome: result)))
        }
    }

    /// A running command has a piece ready.
    mutating func take(_ octets: [UInt8], from id: CommandQueue.ID) async throws {
        self.blocks.add(.piece(octets), from: id)
        try await self.writeBlocks()
    }

    /// A running command has ended.
    mutating func take(_ result: CommandResult, last octets: [UInt8], from id: CommandQueue.ID) async throws {
        self.blocks.add(.end(octets, result), from: id)
        try await self.writeBlocks()
    }

    private mutating func writeBlocks() async throws {
        while self.isOpen, let (id, ready) = self.blocks.next() {
            switch ready {
            case .piece(let octets):
                try await self.flush()
                try await self.sink.write(octets)
                self.credits[id]?.yield()
            case .end(let octets, let result):
                self.output.append(octets)
                self.credits.removeValue(forKey: id)?.finish()
                if let entry = self.queue.entry(id) { try await self.complete(entry, result) }
            }
        }
    }

    /// What is left to do of a command that has ended, for it takes an exchange with the client or the store.
    private indirect enum Remainder {
        case exchange(Outcome.Effect, tag: String)
        case news(LongNews)
    }

    /// Ends a command's block.
    private mutating func complete(_ entry: CommandQueue.Entry, _ result: CommandResult) async throws {
        switch try self.settle(entry, result) {
        case .exchange(let effect, let tag)?: return try await self.exchange(effect, of: tag)
        case .news(let news)?: try await self.tell(news)
        case nil: break
        }
        self.endIfIdle()
    }

    /// Does all of it that need not wait: the command's effect, then what changed meanwhile, then its tag.
    private mutating func settle(_ entry: CommandQueue.Entry, _ result: CommandResult) throws -> Remainder? {
        let answered = self.finish(entry)
        if entry.work.isUnasked {
            try self.completeUnasked(result)
            return nil
        }
        self.lastActivity = self.service.time.now()
        let mayExpunge = !entry.work.footprint.usesNumbers
        switch result.outcome {
        case .success(let outcome):
            Metrics.count(entry.name, .ok)
            self.noteOwn(outcome)
            switch outcome.effect {
            case .authenticate, .logIn, .startTLS, .compress: return .exchange(outcome.effect, tag: entry.tag)
            case .idle: return try self.beginIdle(entry.tag).map(Remainder.news)
            case .logout:
                self.output.untagged(.bye, "Logging out")
                self.answer(entry.tag, .ok, "LOGOUT completed")
                self.isOpen = false
                return nil
            default: self.apply(outcome.effect)
            }
            guard self.isOpen else { return nil }
            if let context = outcome.context { self.add(context) }
            return try self.tellChanges(
                mayExpunge: mayExpunge,
                kinds: outcome.effect.kindsToTell,
                own: outcome.effect.ownChange,
                removed: outcome.removed,
                answered: answered,
                then: .completed(tag: entry.tag, name: entry.name, outcome)
            ).map(Remainder.news)
        case .failure(let error):
            Metrics.count(entry.name, .no)
            self.apply(entry.work.failureEffect)
            return try self.tellChanges(
                mayExpunge: mayExpunge,
                answered: answered,
                then: .failed(tag: entry.tag, error)
            ).map(Remainder.news)
        }
    }

    /// Notes that a command has ended; the flags that it has told.
    private mutating func finish(_ entry: CommandQueue.Entry) -> SelectedMailbox.Answered? {
        self.queue.finish(entry.id)
        guard let began = self.beginnings.removeValue(forKey: entry.id), let uids = entry.work.footprint.toldFlags
        else { return nil }
        return SelectedMailbox.Answered(uids: uids, since: began)
    }

    private mutating func apply(_ effect: Work.FailureEffect) {
        switch effect {
        case .none: break
        case .unselected: self.select(nil)
        case .saved(let uids): self.save(uids)
        }
    }

    /// Does what a command that has ended well changes in the session.
    private mutating func apply(_ effect: Outcome.Effect) {
        switch effect {
        case .none, .stored, .toldOfAccount: break
        case .notify(let request, let snapshot): self.notify(request, snapshot)
        case .selected(let selected): self.select(selected)
        case .unselected: self.select(nil)
        case .renamed: self.view.selected?.name = nil
        case .enabled(let features): self.enable(features)
        case .saved(let uids): self.save(uids)
        case .contextsCancelled(let tags): self.view.contexts.removeAll { tags.contains($0.tag) }
        case .unauthenticated: self.unauthenticate()
        // The command answers by itself.
        case .authenticate, .logIn, .startTLS, .compress, .idle, .logout: break
        }
    }

    /// Does what a command is that consists of an exchange with the client.
    private mutating func exchange(_ effect: Outcome.Effect, of tag: String) async throws {
        switch effect {
        case .authenticate(let mechanism, let initialResponse):
            try await self.beginAuthentication(tag, mechanism, initialResponse)
        case .logIn(let message): try await self.logIn(tag, message)
        case .startTLS: try await self.startTLS(tag)
        case .compress: try await self.compress(tag)
        default: break
        }
    }

    private mutating func beginIdle(_ tag: String) throws -> LongNews? {
        self.expecting = .done(tag: tag)
        self.output.continuation("idling")
        return try self.tellChanges(mayExpunge: true)
    }

    /// Sets the search result variable `$`.
    private mutating func save(_ uids: [UID]) { self.view.savedResult = NumberSet(ascending: uids.map(\.rawValue)) }

    /// Tells what changed in the selected mailbox since the client was last told, as far as it may be told now, and then
    /// says what stands behind it.
    ///
    /// To be called by whoever owns the output. Returns news that is too long to be written without waiting for the
    /// client: ``tell(_:)`` then does the rest. That is another function, for what suspends has all of its variables on
    /// the task's stack, and an idle session keeps what that stack has ever needed.
    ///
    /// `kinds`: what to tell, if not what the client listens to; `isUnasked`: no command is being completed.
    mutating func tellChanges(
        mayExpunge: Bool,
        isUnasked: Bool = false,
        kinds: SelectedMailbox.Kinds? = nil,
        own: SelectedMailbox.OwnChange? = nil,
        removed: [UID] = [],
        answered: SelectedMailbox.Answered? = nil,
        then conclusion: Conclusion = .none
    ) throws -> LongNews? {
        let taken = self.takeNews(
            mayExpunge: mayExpunge,
            kinds: kinds ?? self.view.listening.kinds,
            own: own,
            removed: removed,
            answered: answered
        )
        guard let (news, index) = taken else {
            try self.conclude(conclusion, isModSeqDue: false)
            return nil
        }
        let told = LongNews(news: news, index: index, isUnasked: isUnasked, conclusion: conclusion)
        guard news.isShort else { return told }
        self.write(news, index)
        try self.conclude(told)
        return nil
    }

    /// Tells it piece by piece.
    mutating func tell(_ news: LongNews) async throws {
        try await self.writeInPieces(news.news, news.index)
        try self.conclude(news)
    }

    /// Says what stands behind news that has been written.
    private mutating func conclude(_ told: LongNews) throws {
        self.tellChangedResults(told.index)
        // Where no response is completed and nothing was told, nothing can be misunderstood.
        let isDue =
            told.isUnasked && told.news.isEmpty ? self.owesHighestModSeq : self.isModSeqDue(after: told.news)
        try self.conclude(told.conclusion, isModSeqDue: isDue)
    }

    /// `isModSeqDue`: the client has to be told how far it knows the mailbox, see `IMAPSession+ModSeq.swift`.
    private mutating func conclude(_ conclusion: Conclusion, isModSeqDue: Bool) throws {
        switch conclusion {
        case .none: if isModSeqDue { self.tellHighestModSeq() }
        case .completed(let tag, let name, let outcome):
            let code = self.codeOfCompletion(outcome, isModSeqDue: isModSeqDue)
            self.answer(tag, .ok, code: code, outcome.text ?? "\(name) completed")
        case .failed(let tag, let error):
            if isModSeqDue { self.tellHighestModSeq() }
            try self.refuse(tag, error)
        }
    }

    /// Moves the view on; nil if there is nothing of which anything could be told.
    private mutating func takeNews(
        mayExpunge: Bool,
        kinds: SelectedMailbox.Kinds,
        own: SelectedMailbox.OwnChange?,
        removed: [UID],
        answered: SelectedMailbox.Answered?
    ) -> (SelectedMailbox.News, MailboxIndex?)? {
        // Of a mailbox that has been deleted the EXPUNGEs may still be owed (rule U8).
        guard var selected = self.view.selected, !(selected.isDeleted && selected.uids.isEmpty) else { return nil }
        self.watch?.rearm()
        let index = selected.resident.current
        let known = selected.uids.count
        self.tellGoneResults(index, numberedBy: selected)
        let news = selected.sync(
            with: index,
            mayExpunge: mayExpunge && self.queue.mayExpunge,
            wanted: kinds,
            own: own,
            removed: removed,
            answered: answered,
            silenced: self.queue.silenced
        )
        self.view.selected = selected
        if news.exists != nil {
            self.newMessages.add(
                Array(selected.uids[(known - news.expunged.count)...]),
                items: self.view.listening.items
            )
        }
        return (news, index)
    }

    private mutating func write(_ news: SelectedMailbox.News, _ index: MailboxIndex?) {
        guard let selected = self.view.selected else { return }
        self.output.write(
            news,
            of: selected,
            index: index,
            isRev2: self.view.isRev2,
            isCondstore: self.view.isCondstore,
            isQresync: self.view.isQresync
        )
    }

    private mutating func writeInPieces(_ news: SelectedMailbox.News, _ index: MailboxIndex?) async throws {
        guard let selected = self.view.selected else { return }
        let sink = self.sink
        try await self.output.write(
            news,
            of: selected,
            index: index,
            isRev2: self.view.isRev2,
            isCondstore: self.view.isCondstore,
            isQresync: self.view.isQresync
        ) { octets in
            try await sink.write(octets)
        }
    }

    /// Writes a command's tagged response, and notes its end in the journal.
    mutating func answer(
        _ tag: String,
        _ condition: ResponseWriter.Condition,
        code: ResponseCode? = nil,
        _ text: String
    ) {
        self.output.tagged(tag, condition, code: code, text)
        self.live.end(tag: tag, condition == .ok ? .ok : condition == .no ? .no : .bad)
    }

    /// The one place where an error becomes a response.
    mutating func refuse(_ tag: String, _ error: any Error) throws {
        switch error {
        case let error as SyntaxError:
            if error.kind == .mailboxName {
                self.answer(tag, .no, code: .cannot, "Expected \(error.expected) as the mailbox name")
                return
            }
            self.answer(tag, .bad, code: .clientBug, "Expected \(error.expected) at octet \(error.offset)")
            self.countError()
        case let refusal as Refusal:
            self.answer(tag, refusal.isBad ? .bad : .no, code: refusal.code, refusal.text)
            if refusal.isBad { self.countError() }
        case let error as StoreError:
            let refusal = Refusal(error)
            if case .corrupt(let what) = error {
                Logger.current.error("Store is damaged", metadata: ["error": "\(what)"])
            }
            self.answer(tag, .no, code: refusal.code, refusal.text)
        case is CancellationError:
            throw error
        case let error as BrokenResponse:
            // Nothing can be said any more: it would be taken for the rest of what has begun.
            let cause = error.cause.map { "\($0)" } ?? "less than was announced"
            Logger.current.warning("Connection is closed within a response", metadata: ["error": "\(cause)"])
            throw error
        default:
            Logger.current.error("Command failed", metadata: ["error": "\(error)"])
            self.answer(tag, .no, code: .serverBug, "Internal error")
        }
    }

    /// A peer that only makes mistakes is no mail client: ten in a row before login, a hundred after it.
    private mutating func countError() {
        self.consecutiveErrors += 1
        guard self.consecutiveErrors >= (self.view.account == nil ? 10 : 100) else { return }
        self.bye("Too many invalid commands")
    }
}

/// What is said behind changes that are told.
enum Conclusion: Sendable {
    /// Only how far the client knows the mailbox, if it has to be told that.
    case none
    indirect case completed(tag: String, name: String, Outcome)
    indirect case failed(tag: String, any Error)
}

/// Changes of the selected mailbox, and what stands behind them.
final class LongNews: Sendable {
    let news: SelectedMailbox.News
    let index: MailboxIndex?
    let isUnasked: Bool
    let conclusion: Conclusion

    init(news: SelectedMailbox.News, index: MailboxIndex?, isUnasked: Bool, conclusion: Conclusion) {
        self.news = news
        self.index = index
        self.isUnasked = isUnasked
        self.conclusion = conclusion
    }
}

extension Outcome.Effect {
    /// What is to be told if not what the client listens to.
    ///
    /// "a successful NOTIFY SET command implies an implicit NOOP command" (RFC 5465 §3.1).
    fileprivate var kindsToTell: SelectedMailbox.Kinds? {
        guard case .notify(_?, _) = self else { return nil }
        return .all
    }

    /// What the client has changed itself.
    fileprivate var ownChange: SelectedMailbox.OwnChange? {
        guard case .stored(let change) = self else { return nil }
        return change
    }
}
