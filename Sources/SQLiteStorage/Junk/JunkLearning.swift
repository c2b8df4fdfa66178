// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailStorage
import Synchronization

/// How learning is getting on, in this process, and who has taught enough.
final class JunkLearning: Sendable {
    private struct State {
        var isRunning = false
        var ready: Set<AccountID> = []
    }

    private let state = Mutex(State())
    /// There may be something to learn; the next one waits for nobody.
    let pokes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (self.pokes, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        // What the process before has not learnt.
        self.continuation.yield()
    }

    func poke() { self.continuation.yield() }

    /// Nothing more will be taught.
    func end() { self.continuation.finish() }

    /// False if somebody else is at it.
    func begin() -> Bool {
        self.state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    func pause() { self.state.withLock { $0.isRunning = false } }

    /// Accounts that judge one message at most: the others get it as if they had no filters.
    static let mostJudges = 100

    /// Those of the accounts that have taught enough to judge by, each once, and not too many.
    func ready(of accounts: [AccountID]) -> [AccountID] {
        self.state.withLock { state in
            guard !state.ready.isEmpty else { return [] }
            var (seen, judges): (Set<AccountID>, [AccountID]) = ([], [])
            for account in accounts where judges.count < Self.mostJudges {
                if state.ready.contains(account), seen.insert(account).inserted { judges.append(account) }
            }
            return judges
        }
    }

    func set(_ account: AccountID, isReady: Bool) {
        self.state.withLock { state in
            if isReady { state.ready.insert(account) } else { state.ready.remove(account) }
        }
    }

    /// At the start: as the file has it.
    ///
    /// What was learnt of messages that were taken apart otherwise is learnt anew.
    func load(_ sql: SQL) throws {
        try sql.run(
            """
            UPDATE junk_lesson SET learnt = 0, domain = NULL WHERE learnt <> 0
            AND account IN (SELECT account FROM junk_account WHERE version <> ?)
            """,
            .integer(MessageTokens.version)
        )
        let ready = try sql.all(
            "SELECT account, junk, wanted FROM junk_account WHERE version = ?",
            .integer(MessageTokens.version)
        ) { row in
            (AccountID(rawValue: row.int64(0)), LessonCounts(junk: row.int(1), wanted: row.int(2)))
        }.filter { Classifier.isReady($0.1) }.map(\.0)
        self.state.withLock { $0.ready = Set(ready) }
    }
}

extension SQLiteStore {
    /// Lessons that are read at a time, of one account: then it is another's turn.
    private static let lessonBatch = 16
    /// Tokens that one transaction writes: some ten milliseconds' work, for a delivery may wait that long.
    private static let lessonTokens = 4_000
    /// Octets that a token counts as in the writer's reckoning: each is on a page of its own, as good as.
    private static let tokenCost = 1 << 10

    /// Who is shown by a message's header to have sent it: a domain.
    ///
    /// It is given the first octets of the header.
    package typealias AuthorCheck = @Sendable (_ header: [UInt8]) -> String?

    /// Learns whenever something has been taught, until it is cancelled or the store is closed.
    ///
    /// `pause` lets what is taught together be learnt together, and time to change one's mind; what it throws counts as cancelling.
    /// `failed` is told of errors; it goes on after them.
    package func keepLearning(
        author: @escaping AuthorCheck,
        pause: @Sendable () async throws -> Void,
        failed: @Sendable (any Error) -> Void
    ) async {
        for await _ in self.learning.pokes {
            do {
                try await self.learn(author: author)
            } catch is CancellationError {
                return
            } catch {
                failed(error)
            }
            do { try await pause() } catch { return }
        }
    }

    /// Learns what has been taught and was not learnt yet.
    ///
    /// Messages are read and taken apart beside the writer. What is written is written in small transactions, each of which also
    /// says of a lesson that it was learnt: so none counts twice, whenever the process ends.
    package func learn(author: @escaping AuthorCheck) async throws {
        guard self.learning.begin() else { return }
        defer { self.learning.pause() }
        // Accounts for which nothing more can be done now: one that cannot learn must not keep the others from it.
        var given: Set<AccountID> = []
        var failure: (any Error)?
        var last: AccountID?
        var isProgress = false
        while true {
            let position = last
            guard let account = try await self.read({ try $0.accountToLearn(after: position) }) else {
                guard isProgress else { break }
                (last, isProgress) = (nil, false)
                continue
            }
            last = account
            guard !given.contains(account) else { continue }
            do {
                if try await self.learn(account, author) { isProgress = true } else { given.insert(account) }
            } catch let error as CancellationError {
                throw error
            } catch {
                given.insert(account)
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// Learns some lessons of an account; false if there is no such account.
    private func learn(_ account: AccountID, _ author: @escaping AuthorCheck) async throws -> Bool {
        guard let model = try await self.model(of: account) else { return false }
        let lessons = try await self.read { sql in
            try sql.lessons(of: account, model.key, limit: Self.lessonBatch, author)
        }
        var rest = lessons[...]
        while !rest.isEmpty {
            var tokens = 0
            let group = rest.prefix { lesson in
                defer { tokens += lesson.cost }
                return tokens == 0 || tokens + lesson.cost <= Self.lessonTokens
            }
            rest = rest.dropFirst(group.count)
            try await self.waitForDeliveries()
            let counts = try await self.write(cost: tokens * Self.tokenCost) { transaction in
                try transaction.learn(group, of: account)
                return try transaction.sql.lessonCounts(of: account)
            }
            self.learning.set(account, isReady: Classifier.isReady(counts ?? LessonCounts()))
        }
        if lessons.contains(where: { $0.meant == .junk }) { try await self.survey(account) }
        try await self.evict(account)
        return true
    }

    /// What the account's filter counts by; made if there is none, or it was made of messages taken apart otherwise.
    ///
    /// Nil if there is no such account.
    private func model(of account: AccountID) async throws -> JunkModel? {
        if let model = try await self.read({ try $0.model(of: account) }) { return model }
        self.learning.set(account, isReady: false)
        // What is left of the one before cannot be read without its key, but it is in the way.
        while try await self.write({ transaction in
            try transaction.forgetModel(of: account)
            return try transaction.eraseJunkTokens(of: account)
        }) {}
        return try await self.write { try $0.makeModel(of: account) }
    }

    /// Takes what was seen and kept for wanted, if there is too little to hold against what is junk.
    private func survey(_ account: AccountID) async throws {
        let now = self.options.now()
        guard let found = try await self.read({ try JunkSurvey.run(of: account, at: now, $0) }) else { return }
        try await self.write { try $0.note(found, ofSurveyFor: account) }
    }

    /// Forgets the least useful tokens of an account that has too many, a tenth at a time.
    private func evict(_ account: AccountID) async throws {
        let limit = self.options.junkTokens
        let victims = try await self.read { sql in try sql.leastUsefulTokens(of: account, above: limit) }
        for start in stride(from: 0, to: victims.count, by: Self.lessonTokens) {
            let some = victims[start..<min(start + Self.lessonTokens, victims.count)]
            try await self.waitForDeliveries()
            try await self.write(cost: some.count * Self.tokenCost) { try $0.forget(some, of: account) }
        }
    }
}
