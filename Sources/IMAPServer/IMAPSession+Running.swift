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
