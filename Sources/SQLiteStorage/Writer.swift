// SPDX-License-Identifier: Apache-2.0

import DequeModule
import GRDB
import MailStorage
import Synchronization

/// Runs everything that writes, one after the other, and commits what waits together: *group commit*.
///
/// A commit costs a flush of the disk, whatever is in it. So the writer takes all jobs that wait, runs each in its
/// savepoint, commits once, hands the new indexes to the sessions, pokes watchers, and only then answers. A job's own
/// error is its caller's alone; when the commit fails, everybody's job has failed and nothing has changed, neither in
/// the file nor in memory.
///
/// It runs on the queue of GRDB's writing connection, which is the only one that writes and checkpoints.
final class Writer: Sendable {
    /// What one commit may hold.
    private static let groupJobs = 256
    private static let groupCost = 8 << 20
    /// How many jobs may wait before more are refused.
    ///
    /// Every caller waits for its job, so this is many callers.
    private static let waitingJobs = 16384

    private struct State {
        var waiting: Deque<Job> = []
        var isRunning = false
        var isClosed = false
        /// Whether a step of erasing waits: one at a time is enough.
        var isErasureWaiting = false
        var commits = 0
        var transactions = 0
    }

    private let pool: DatabasePool
    private let residents: ResidentTable
    private let feed: ChangeFeed
    private let indexing: SearchIndexing
    private let learning: JunkLearning
    private let options: StoreOptions
    private let state = Mutex(State())

    init(
        _ pool: DatabasePool,
        residents: ResidentTable,
        feed: ChangeFeed,
        indexing: SearchIndexing,
        learning: JunkLearning,
        options: StoreOptions
    ) {
        self.pool = pool
        self.residents = residents
        self.feed = feed
        self.indexing = indexing
        self.learning = learning
        self.options = options
    }

    /// Puts a job into the queue, or refuses it at once.
    func submit(_ job: Job) {
        enum Outcome { case start, wait, refuse }
        let outcome = self.state.withLock { state -> Outcome in
            guard !state.isClosed, state.waiting.count < Self.waitingJobs else { return .refuse }
            state.waiting.append(job)
            if state.isRunning { return .wait }
            state.isRunning = true
            return .start
        }
        switch outcome {
        case .start: self.pool.asyncWriteWithoutTransaction { database in self.drain(database) }
        case .wait: break
        case .refuse: job.answer(StoreError.unavailable)
        }
    }

    var figures: WriterFigures {
        self.state.withLock { state in
            WriterFigures(
                commits: state.commits,
                transactions: state.transactions,
                waiting: state.waiting.count,
                isBusy: state.isRunning
            )
        }
    }

    /// Lets a step of erasing wait in line, unless one does.
    func erase() {
        let isWaiting = self.state.withLock { state in
            defer { state.isErasureWaiting = true }
            return state.isErasureWaiting
        }
        if !isWaiting { self.submit(.erasure(by: self)) }
    }

    /// Says that the step of erasing that waited does so no more.
    func erasureBegins() { self.state.withLock { $0.isErasureWaiting = false } }

    /// Takes no more jobs.
    ///
    /// Those that wait are still run.
    func close() { self.state.withLock { $0.isClosed = true } }

    private func drain(_ database: Database) {
        let sql = SQL(database)
        while let group = self.next() { self.run(group, sql) }
    }

    /// The jobs of the next commit; nil if none wait.
    private func next() -> [Job]? {
        self.state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            var (count, cost) = (0, 0)
            while count < min(state.waiting.count, Self.groupJobs) {
                cost += state.waiting[count].cost
                if count > 0, cost > Self.groupCost { break }
                count += 1
            }
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
    }

    private func run(_ group: [Job], _ sql: SQL) {
        var writing: [Writing] = []
        for job in group {
            if job.isCancelled {
                job.answer(CancellationError())
                continue
            }
            switch job.work {
            case .between(let body): body(sql)
            case .write(let body): writing.append(Writing(job: job, body: body))
            }
        }
        if !writing.isEmpty { self.commit(writing, sql) }
    }

    private struct Writing {
        let job: Job
        let body: Job.Body
    }

    private func commit(_ group: [Writing], _ sql: SQL) {
        let transaction = Transaction(sql, residents: self.residents, options: self.options)
        var outcomes: [Job.Outcome] = []
        do {
            try sql.run("BEGIN IMMEDIATE")
            for writing in group {
                let outcome = writing.body(transaction)
                outcomes.append(outcome)
                // Some failures end the whole transaction.
                if !sql.isInTransaction { throw outcome.error ?? StoreError.unavailable }
            }
            try transaction.flush()
            try sql.run("COMMIT")
        } catch {
            self.rollback(group, outcomes, error, sql)
            return
        }
        transaction.publish(to: self.feed)
        self.state.withLock { state in
            state.commits += 1
            state.transactions += group.count
        }
        for outcome in outcomes { outcome.answer(nil) }
        if transaction.hasErasures { self.erase() }
        if transaction.hasNewMessages { self.indexing.poke() }
        if transaction.hasLessons { self.learning.poke() }
    }

    /// Nothing of the group has happened.
    private func rollback(_ group: [Writing], _ outcomes: [Job.Outcome], _ error: any Error, _ sql: SQL) {
        if sql.isInTransaction { try? sql.run("ROLLBACK") }
        // One that is too large for what is left of the disk must not take the others with it. After any other failure
        // it is not certain what the disk holds, and trying again might claim too much.
        if group.count > 1, StoreError.of(error) as? StoreError == .full {
            for writing in group { self.commit([writing], sql) }
            return
        }
        for outcome in outcomes { outcome.answer(error) }
        for writing in group.dropFirst(outcomes.count) { writing.job.answer(error) }
    }
}

/// How the writer is doing; counted since the store was opened.
package struct WriterFigures: Hashable, Sendable {
    package var commits: Int
    /// Transactions that were asked for: so many were committed together.
    package var transactions: Int
    /// How many transactions wait now.
    package var waiting: Int
    /// Whether it is at work.
    package var isBusy: Bool
}
