// SPDX-License-Identifier: Apache-2.0

import GRDB
import MailMessage
import MailStorage
import Synchronization

/// How the index of texts is getting on, in this process.
final class SearchIndexing: Sendable {
    private struct State {
        var isRunning = false
        /// Whether the index in the file turned out to be damaged.
        var isDamaged = false
        var resets = 0
        /// Whether it is left alone until the store is next opened.
        var isDisabled = false
    }

    private let state = Mutex(State())
    /// Something has been stored since the index was last brought up to date; the next one waits for nobody.
    let pokes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (self.pokes, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        // What was stored by the process before.
        self.continuation.yield()
    }

    /// Says that there may be something to do.
    func poke() { self.continuation.yield() }

    /// Nothing more will be stored.
    func end() { self.continuation.finish() }

    /// Says that the index cannot be read: nobody asks it until it has been made anew.
    func damaged() {
        self.state.withLock { $0.isDamaged = true }
        self.poke()
    }

    var isDamaged: Bool { self.state.withLock { $0.isDamaged } }

    /// False if somebody else is at it.
    fileprivate func begin() -> Bool {
        self.state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    fileprivate func pause() { self.state.withLock { $0.isRunning = false } }

    /// Whether the index may be made anew once more; if not, it is disabled: what is damaged again and again lies on a
    /// bad disk.
    fileprivate func mayReset() -> Bool {
        self.state.withLock { state in
            state.resets += 1
            state.isDisabled = state.resets > 3
            state.isDamaged = true
            return !state.isDisabled
        }
    }

    fileprivate var isDisabled: Bool { self.state.withLock { $0.isDisabled } }

    fileprivate func hasReset() { self.state.withLock { $0.isDamaged = false } }
}

extension SQLiteStore {
    /// Messages that are read at a time.
    private static let searchBatch = 32
    /// Words that one transaction writes, and leaves of the index that it merges, as many as those words come to over
    /// time: some ten milliseconds' work, for a delivery may wait that long.
    private static let searchWords = 16384
    private static let searchLeaves = 40

    /// Brings the index of texts up to date whenever something has been stored, until it is cancelled or the store is
    /// closed.
    ///
    /// `pause` lets what arrives together be indexed together; what it throws counts as cancelling. `failed` is told of
    /// errors; it goes on after them.
    package func keepIndexed(
        pause: @Sendable () async throws -> Void,
        failed: @Sendable (any Error) -> Void
    ) async {
        for await _ in self.indexing.pokes {
            do {
                try await self.index()
            } catch is CancellationError {
                return
            } catch {
                failed(error)
            }
            do { try await pause() } catch { return }
        }
    }

    /// Brings the index of texts up to date, and takes out of it what is due to be erased.
    ///
    /// Messages are read and taken apart beside the writer; what is written is written in small transactions, between
    /// which everybody else's come. A damaged index is made anew. Throws ``StoreError/full`` when there is no room for
    /// it: mail may still fit, and searches look through what is not indexed. Throws the reason when it gives the index up,
    /// once: from then on, until the store is next opened, searches look through everything.
    package func index() async throws {
        guard self.indexing.begin() else { return }
        defer { self.indexing.pause() }
        while !self.indexing.isDisabled {
            do {
                if self.indexing.isDamaged { try await self.resetIndex() }
                let now = self.options.now()
                let batch = try await self.read { try SearchIndex.next($0, now: now, limit: Self.searchBatch) }
                if let batch {
                    if batch.isEmpty {
                        if try await self.merge() { continue }
                        return
                    }
                    try await self.write(batch)
                } else {
                    try await self.resetIndex()
                }
            } catch StoreError.full {
                throw StoreError.full
            } catch StoreError.unavailable {
                throw StoreError.unavailable
            } catch let error as CancellationError {
                throw error
            } catch {
                if self.indexing.mayReset() { continue }
                // Nothing must wait for it any more, erasing least of all.
                try await self.write { try SearchIndex.forget($0.sql) }
                throw error
            }
        }
    }

    /// Throws the index away, to be made anew; from now on searches look through everything that is not in it again.
    package func resetIndex() async throws {
        try await self.write { try SearchIndex.reset($0.sql) }
        self.indexing.hasReset()
    }

    /// Merges what has gathered, a little; returns whether there may be more.
    private func merge() async throws -> Bool {
        try await self.waitForDeliveries()
        return try await self.write { try SearchIndex.merge($0.sql, leaves: Self.searchLeaves) }
    }

    /// Lets others write first, for a second at most: the index may be behind, mail may not.
    func waitForDeliveries() async throws {
        for _ in 0..<100 where self.figures.isBusy { try await Task.sleep(for: .milliseconds(10)) }
    }

    private func write(_ batch: SearchIndex.Batch) async throws {
        var steps: [@Sendable (Transaction) throws -> Void] = []
        var words = 0
        func add(_ count: Int, _ step: @escaping @Sendable (Transaction) throws -> Void) async throws {
            if words > 0, words + count > Self.searchWords { try await flush() }
            steps.append(step)
            words += count
        }
        func flush() async throws {
            guard !steps.isEmpty else { return }
            let group = steps
            try await self.waitForDeliveries()
            try await self.write(cost: words * 4) { transaction in
                for step in group { try step(transaction) }
                try transaction.flushIndex()
                _ = try SearchIndex.merge(transaction.sql, leaves: Self.searchLeaves)
            }
            steps = []
            words = 0
        }
        for entry in batch.removed { try await add(entry.count) { try $0.unindex(entry) } }
        for entry in batch.late { try await add(entry.count) { try $0.index(late: entry) } }
        for (blob, entry) in batch.new { try await add(entry?.count ?? 0) { try $0.index(new: blob, entry) } }
        try await flush()
    }
}
