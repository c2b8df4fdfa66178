// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@testable import IMAPServer

/// Which commands may run side by side, and what waits for what.
@Suite("RFC 9051 §5.5 Multiple Commands in Progress") struct CommandQueueTests {
    private static func work(_ footprint: Footprint) -> Work { Work(footprint) { _ in Outcome() } }

    /// Starts what may start; the tags, in the order of starting.
    private static func start(_ queue: inout CommandQueue) -> [String] {
        var tags: [String] = []
        while let entry = queue.startNext(allowsInline: true) { tags.append(entry.tag) }
        return tags
    }

    private static func queue(_ footprints: [Footprint], concurrency: Int = 4) -> CommandQueue {
        var queue = CommandQueue(concurrency: concurrency)
        for (index, footprint) in footprints.enumerated() {
            queue.add(tag: "a\(index + 1)", name: "X", work: Self.work(footprint))
        }
        return queue
    }

    private static let search = Footprint(reads: [.flags, .messages], usesNumbers: true)
    private static let fetch = Footprint(reads: .flags, usesNumbers: true, answersWithNumbers: true)
    private static let store = Footprint(writes: .flags, usesNumbers: true)
    private static let copy = Footprint(reads: .flags, writes: .messages)
    private static let move = Footprint(writes: [.messages, .flags], expunges: true)

    @Test("FETCH and SEARCH are independent") func readers() {
        var queue = Self.queue([Self.search, Self.fetch, .nothing])
        #expect(Self.start(&queue) == ["a1", "a2", "a3"])
    }

    @Test("STORE waits for FETCH, the next FETCH for STORE") func storeBetweenFetches() {
        var queue = Self.queue([Self.fetch, Self.store, Self.fetch])
        #expect(Self.start(&queue) == ["a1"])
        queue.finish(1)
        #expect(Self.start(&queue) == ["a2"])
        queue.finish(2)
        #expect(Self.start(&queue) == ["a3"])
    }

    @Test("What conflicts with a waiting command waits behind it") func overtaking() {
        var queue = Self.queue([Self.search, Self.move, Self.fetch, .nothing])
        #expect(Self.start(&queue) == ["a1", "a4"])
        #expect(!queue.mayExpunge)
        queue.finish(1)
        #expect(queue.mayExpunge)
        #expect(Self.start(&queue) == ["a2"])
    }

    @Test("A barrier waits for all before it and holds all behind it") func barrier() {
        var queue = Self.queue([.nothing, .barrier, .nothing])
        #expect(Self.start(&queue) == ["a1"])
        #expect(queue.holdsInput)
        queue.finish(1)
        #expect(Self.start(&queue) == ["a2"])
        queue.finish(2)
        #expect(Self.start(&queue) == ["a3"])
        #expect(!queue.holdsInput)
    }

    @Test("No more than the concurrency at once", arguments: [1, 2, 4]) func limit(concurrency: Int) {
        var queue = Self.queue(Array(repeating: .nothing, count: 6), concurrency: concurrency)
        #expect(Self.start(&queue).count == concurrency)
        queue.finish(1)
        #expect(Self.start(&queue) == ["a\(concurrency + 1)"])
    }

    @Test("Reading stops when too many wait") func full() {
        var queue = Self.queue(Array(repeating: Self.copy, count: CommandQueue.waitingLimit - 1))
        #expect(!queue.holdsInput)
        queue.add(tag: "z", name: "X", work: Self.work(Self.copy))
        #expect(queue.holdsInput)
        #expect(queue.hasUnfinished(tag: "z"))
        #expect(!queue.hasUnfinished(tag: "y"))
    }

    @Test(
        "Pairs that RFC 9051 §5.5 calls ambiguous conflict",
        arguments: [
            (Self.fetch, Self.store), (Self.store, Self.copy), (Self.copy, Self.copy), (Self.move, Self.search),
            (Self.store, Self.store), (Self.move, Self.move),
        ]
    ) func ambiguous(first: Footprint, second: Footprint) {
        #expect(first.conflicts(with: second))
        #expect(second.conflicts(with: first))
    }
}

/// Rule 2: commands conflict where one writes what the other reads or writes, and only there.
@Suite("RFC 9051 §5.5 What commands touch") struct FootprintTests {
    private static func extent(_ range: ClosedRange<UInt32>, _ mailbox: String? = "INBOX") -> Footprint.Extent {
        Footprint.Extent(mailbox: mailbox, messages: .known(NumberSet([range])))
    }

    private static let all = Footprint.Extent(mailbox: "INBOX")
    private static func fetch(_ range: ClosedRange<UInt32>) -> Footprint {
        Footprint(reads: .mailboxes, answersWithNumbers: true).reading(messages: self.extent(range))
            .reading(flags: self.extent(range))
    }
    private static func store(_ range: ClosedRange<UInt32>) -> Footprint {
        Footprint(reads: .mailboxes).reading(messages: self.extent(range)).writing(flags: self.extent(range))
    }
    private static func copy(_ range: ClosedRange<UInt32>, _ target: String) -> Footprint {
        Footprint(reads: .mailboxes).reading(messages: self.extent(range)).reading(flags: self.extent(range))
            .writing(messages: Footprint.Extent(mailbox: target, messages: .added))
    }
    private static func append(_ target: String) -> Footprint {
        Footprint(reads: .mailboxes).writing(messages: Footprint.Extent(mailbox: target, messages: .added))
    }
    private static let searchBody = Footprint().reading(messages: Self.all)
    private static let searchUnseen = Self.searchBody.reading(flags: Self.all)
    private static let expunge = Footprint(reads: .mailboxes, expunges: true).reading(flags: Self.all)
        .writing(messages: Self.all)
    private static func status(_ name: String) -> Footprint {
        let extent = Footprint.Extent(mailbox: name)
        return Footprint(reads: .mailboxes).reading(flags: extent).reading(messages: extent)
    }

    @Test(
        "Independent",
        arguments: [
            (Self.store(1...2), Self.store(3...4)), (Self.store(1...2), Self.fetch(3...4)),
            (Self.fetch(1...9), Self.fetch(1...9)), (Self.copy(1...2, "A"), Self.copy(1...2, "B")),
            (Self.copy(1...2, "A"), Self.fetch(1...2)), (Self.append("INBOX"), Self.fetch(1...9)),
            (Self.append("INBOX"), Self.store(1...9)), (Self.searchBody, Self.store(1...9)),
            (Self.searchUnseen, Self.append("Sent")), (Self.searchUnseen, Self.status("Sent")),
            (Self.searchBody, Footprint(writes: .savedResult)), (Self.status("A"), Self.append("B")),
        ]
    ) func independent(first: Footprint, second: Footprint) {
        #expect(!first.conflicts(with: second))
        #expect(!second.conflicts(with: first))
    }

    @Test(
        "Dependent",
        arguments: [
            (Self.store(1...2), Self.store(2...4)), (Self.store(1...2), Self.fetch(2...4)),
            (Self.store(1...2), Self.copy(2...2, "A")), (Self.copy(1...2, "A"), Self.copy(3...4, "A")),
            (Self.append("A"), Self.copy(3...4, "A")), (Self.append("INBOX"), Self.searchBody),
            (Self.store(7...7), Self.searchUnseen), (Self.expunge, Self.store(1...1)),
            (Self.expunge, Self.copy(1...1, "A")), (Self.append("Sent"), Self.status("Sent")),
            (Self.expunge, Self.searchBody), (Self.store(1...1), Self.status("INBOX")),
            (Footprint(writes: .savedResult), Footprint(writes: .savedResult)),
            // DELETE and RENAME: whichever mailbox it is.
            (Footprint(writes: [.mailboxes, .messages]), Self.searchBody),
            (Footprint(writes: .flags), Self.fetch(1...1)),
            // A mailbox of which the name is not certain.
            (Self.append("A"), Footprint().reading(messages: Footprint.Extent())),
        ]
    ) func dependent(first: Footprint, second: Footprint) {
        #expect(first.conflicts(with: second))
        #expect(second.conflicts(with: first))
    }

    @Test("Reading stops when the waiting commands have had a mebibyte") func size() {
        var queue = CommandQueue(concurrency: 4)
        let work = Work(.nothing) { _ in Outcome() }
        queue.add(tag: "a", name: "X", work: work, size: CommandQueue.waitingSizeLimit - 1)
        #expect(!queue.holdsInput)
        queue.add(tag: "b", name: "X", work: work, size: 1)
        #expect(queue.holdsInput)
        #expect(queue.startNext(allowsInline: true)?.tag == "a")
        #expect(!queue.holdsInput)
    }
}

/// Rule U9: whose output goes out.
@Suite("Blocks are contiguous") struct BlockOrderTests {
    private func result() -> CommandResult { CommandResult(outcome: .success(Outcome())) }

    private func next(_ order: inout BlockOrder) -> String? {
        guard let (id, ready) = order.next() else { return nil }
        switch ready {
        case .piece: return "piece \(id)"
        case .end: return "end \(id)"
        }
    }

    @Test("Who begins keeps the output to its end") func holding() {
        var order = BlockOrder()
        order.add(.piece([1]), from: 2)
        #expect(self.next(&order) == "piece 2")
        order.add(.end([], self.result()), from: 1)
        order.add(.piece([1]), from: 3)
        #expect(self.next(&order) == nil)
        #expect(order.holder == 2)
        order.add(.end([], self.result()), from: 2)
        #expect(self.next(&order) == "end 2")
        #expect(self.next(&order) == "end 1")
        #expect(self.next(&order) == "piece 3")
        #expect(self.next(&order) == nil)
    }

    @Test("What becomes ready together goes in the order received") func order() {
        var order = BlockOrder()
        order.add(.end([], self.result()), from: 5)
        order.add(.end([], self.result()), from: 4)
        #expect(self.next(&order) == "end 4")
        #expect(self.next(&order) == "end 5")
    }
}
