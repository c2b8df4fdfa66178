// SPDX-License-Identifier: Apache-2.0

import Dispatch
import MailStorage
import Synchronization
import Testing

@testable import SQLiteStorage

@Suite struct WriterTests {
    /// Holds the writer, runs `body`, and lets it go when so many transactions wait.
    static func whenWaiting<Value: Sendable>(
        _ count: Int,
        _ test: TestStore,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let gate = DispatchSemaphore(value: 0)
        let held = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await test.store.between { _ in
                    held.continuation.finish()
                    gate.wait()
                }
            }
            for await _ in held.stream {}
            group.addTask {
                while test.store.figures.waiting < count { await Task.yield() }
                gate.signal()
            }
            let value = try await body()
            try await group.waitForAll()
            return value
        }
    }

    /// Runs `body` so many times as one group: the writer is held until all of them wait.
    static func group<Value: Sendable>(
        _ count: Int,
        _ test: TestStore,
        _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> [Result<Value, any Error>] {
        try await Self.whenWaiting(count, test) {
            await withTaskGroup(of: (Int, Result<Value, any Error>).self) { group in
                for index in 0..<count {
                    group.addTask {
                        do { return (index, .success(try await body(index))) } catch { return (index, .failure(error)) }
                    }
                }
                var results: [Int: Result<Value, any Error>] = [:]
                for await (index, result) in group { results[index] = result }
                return (0..<count).compactMap { results[$0] }
            }
        }
    }

    @Test func whatWaitsIsCommittedTogether() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let before = test.store.figures
        let uids = try await Self.group(40, test) { number in
            try await mail.append(octets("\(number)"), to: inbox)
        }.map { try $0.get() }
        #expect(Set(uids).count == 40)
        #expect(test.store.figures.commits == before.commits + 1)
        #expect(test.store.figures.transactions == before.transactions + 40)
        // One transaction each, all the same.
        let index = try await test.store.stored(inbox)
        #expect(Set(uids.compactMap { index[$0]?.modSeq }).count == 40)
        try await test.verify()
    }

    @Test func aFailingJobHarmsOnlyItself() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let results = try await Self.group(9, test) { number in
            guard number == 4 else {
                return try await mail.append(octets("\(number)"), to: inbox, keywords: ["kept"])
            }
            // Fails after it has changed rows and memory.
            return try await test.store.write { transaction in
                var mailbox = try transaction.mailbox(inbox)
                _ = try mailbox.takeUIDs(100)
                _ = try mailbox.keywordBits(["lost"], adding: true, transaction.sql)
                transaction.put(mailbox)
                _ = try transaction.createMailbox(try MailboxName("Lost"), specialUses: [], of: mail.account)
                throw StoreError.notPermitted("on purpose")
            }
        }
        #expect(throws: StoreError.notPermitted("on purpose")) { try results[4].get() }
        let uids = try results.enumerated().filter { $0.offset != 4 }.map { try $0.element.get().rawValue }
        #expect(Set(uids) == Set(1...8))
        #expect(try await mail.mailbox(named: "Lost") == nil)
        let index = try await test.store.stored(inbox)
        #expect(index.uidNext == 9)
        #expect(index.keywords == ["kept"])
        try await test.verify()
    }

    @Test func cancelledBeforeItBeginsIsDropped() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let task = try await Self.whenWaiting(1, test) {
            let task = Task { try await mail.createMailbox(named: "Late", specialUse: nil) }
            while test.store.figures.waiting < 1 { await Task.yield() }
            task.cancel()
            return task
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await mail.mailbox(named: "Late") == nil)
    }

    @Test func watchersArePokedAfterTheCommit() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let resident = try await mail.open(inbox)
        let seen = Mutex<[Int]>([])
        let watch = mail.feed.watch(.mailbox(inbox)) {
            seen.withLock { $0.append(resident.current?.count ?? -1) }
        }
        try await mail.append(octets("a"), to: inbox)
        #expect(seen.withLock { $0 } == [1])
        try await mail.append(octets("b"), to: inbox)
        #expect(seen.withLock { $0 } == [1], "not again before it is asked for")
        watch.rearm()
        try await mail.append(octets("c"), to: inbox)
        #expect(seen.withLock { $0 } == [1, 3])
    }

    @Test func aFullDiskIsSaidAndSurvived() async throws {
        let test = try TestStore { $0.sizeLimit = 2 << 20 }
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let resident = try await mail.open(inbox)
        try await mail.append(octets("small", size: 1000), to: inbox)
        var stored = 1
        await #expect(throws: StoreError.full) {
            while true {
                try await mail.append(octets("large \(stored)", size: 200_000), to: inbox)
                stored += 1
            }
        }
        #expect(stored > 2)
        // What was there can be read, memory is as the file, and nothing is half there.
        #expect(resident.current?.count == stored)
        #expect(IndexContents(try #require(resident.current)) == IndexContents(try await test.store.stored(inbox)))
        let all = try await mail.messages([1, 2], in: inbox, including: MessageParts(contentUpTo: 1 << 20))
        #expect(all.map(\.content) == [octets("small", size: 1000), octets("large 1", size: 200_000)])
        await #expect(throws: StoreError.full) {
            try await mail.staged(octets("huge", size: 3 << 20))
        }
        try await test.verify()
        // A small job beside one that is too large succeeds.
        let change = FlagChange(.add, FlagSet(system: .seen))
        let results = try await Self.group(3, test) { number in
            if number == 1 {
                try await mail.append(octets("too large", size: 250_000), to: inbox)
            } else {
                _ = try await mail.changeFlags(
                    of: [UID(rawValue: UInt32(number + 1))],
                    in: inbox,
                    change,
                    unchangedSince: nil
                )
            }
        }
        #expect(throws: Never.self) { try results[0].get() }
        #expect(throws: StoreError.full) { try results[1].get() }
        #expect(throws: Never.self) { try results[2].get() }
        // Space is back: the next one works without a restart.
        _ = try await test.store.between { try $0.number("PRAGMA max_page_count = 100000") }
        try await mail.append(octets("again", size: 300_000), to: inbox)
        #expect(resident.current?.count == stored + 1)
        try await test.verify()
    }

    @Test func aGroupIsBoundedByItsOctets() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let before = test.store.figures.commits
        _ = try await Self.group(50, test) { number in
            try await mail.append(octets("\(number)", size: 250_000), to: inbox)
        }
        #expect(test.store.figures.commits == before + 2)
    }
}
