// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct AppendTests {
    @Test func theMessageIsThereAsGiven() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox
        let before = try await mail.status(of: inbox.id)
        let octets = octets("hello", size: 500)
        let date = MessageDate(time: UnixTime(rawValue: 1_234_567_890), zoneOffsetMinutes: -330)
        let staged = try await mail.staged(octets)
        #expect(staged.digest == SHA256.hash(octets))
        let flags = FlagSet(system: [.seen, .deleted], keywords: ["$Forwarded", "$forwarded", "x"])
        let receipt = try await mail.append(
            [NewMessage(staged, flags: flags, internalDate: date), NewMessage(staged, internalDate: date)],
            to: inbox.id
        )
        #expect(receipt == AppendReceipt(uidValidity: inbox.uidValidity, uids: [1, 2]))
        let parts = MessageParts(summary: true, contentUpTo: 1000)
        let message = try #require(try await mail.messages([1], in: inbox.id, including: parts).first)
        #expect(message.uid == 1)
        #expect(message.size == 500)
        #expect(message.internalDate == date)
        #expect(message.saveDate == test.clock.now)
        #expect(message.content == octets)
        #expect(message.summary == staged.summary)
        let status = try await mail.status(of: inbox.id)
        #expect(status.messages == 2)
        #expect(status.unseen == 1)
        #expect(status.deleted == 1)
        #expect(status.recent == 2)
        #expect(status.size == 1000)
        #expect(status.uidNext == 3)
        #expect(status.highestModSeq.rawValue > before.highestModSeq.rawValue)
        let index = try #require(try await mail.open(inbox.id).current)
        #expect(index[1]?.flags == [.seen, .deleted])
        #expect(index.keywords == ["$Forwarded", "x"])
        #expect(index[1]?.keywords == 3)
        #expect(index[1]?.modSeq == status.highestModSeq)
        try await test.verify()
    }

    @Test func partsThatWereNotAskedForAreLeftOut() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("a", size: 100), to: inbox)
        try await mail.append(octets("b", size: 200), to: inbox)
        let messages = try await mail.messages([9, 2, 1, 2], in: inbox, including: MessageParts(contentUpTo: 150))
        #expect(messages.map(\.uid) == [1, 2])
        #expect(messages.map { $0.content?.count } == [100, nil])
        #expect(messages.allSatisfy { $0.summary == nil })
    }

    @Test func theSummaryIsReadWithoutTheMessage() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let staged = try await mail.staged(octets("a", size: 100))
        let date = MessageDate(time: test.clock.now, zoneOffsetMinutes: 0)
        _ = try await mail.append([NewMessage(staged, internalDate: date)], to: inbox)
        // Whoever parsed the octets again would find nothing.
        try await test.store.write { try $0.sql.run("UPDATE chunk SET octets = zeroblob(100)") }
        let parts = MessageParts(summary: true)
        #expect(try await mail.messages([1], in: inbox, including: parts).first?.summary == staged.summary)
    }

    /// Sizes around what fits in memory, in a chunk, and in one write.
    @Test(arguments: [
        0, 1, Chunk.size - 1, Chunk.size, Chunk.size + 1, 2 * Chunk.size, 4 * Chunk.size, 4 * Chunk.size + 1,
        5 * Chunk.size + 17, 9 * Chunk.size,
    ])
    func anySizeComesBack(size: Int) async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        var random = SeededGenerator(seed: UInt64(size))
        let octets = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for pieces in [size / 3 + 1, 70_001] {
            let staged = try await mail.staged(octets, pieces: pieces)
            #expect(staged.size == size)
            let receipt = try await mail.append(
                [NewMessage(staged, internalDate: MessageDate(time: test.clock.now))],
                to: inbox
            )
            let uid = try #require(receipt.uids.first)
            let message = try #require(
                try await mail.messages([uid], in: inbox, including: MessageParts(contentUpTo: size)).first
            )
            #expect(message.content == octets)
            #expect(try await mail.content(message.blob, size: size) == octets)
            #expect(try await mail.octets(of: message.blob, in: size..<size + 10).isEmpty)
            if size > 300_000 {
                #expect(try await mail.octets(of: message.blob, in: 300_000 - 1..<300_000) == [octets[299_999]])
            }
        }
        // The second was the same and took no room.
        #expect(try await test.number("SELECT count(*) FROM blob WHERE sha256 IS NOT NULL") == 1)
        try await test.store.maintain()
        #expect(try await test.number("SELECT sum(length(octets)) FROM chunk") == size)
        try await test.verify()
    }

    @Test func theSameOctetsAreStoredOnce() async throws {
        let test = try TestStore()
        let (ann, bob) = (try await test.account(), try await test.account("bob@example.org"))
        for mail in [ann, bob, ann] { try await mail.append(octets("same"), to: try await mail.inbox.id) }
        #expect(try await test.number("SELECT count(*) FROM blob") == 1)
        #expect(try await test.number("SELECT refs FROM blob") == 3)
        try await test.verify()
    }

    @Test func allOrNone() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let good = NewMessage(try await mail.staged(octets("good")), internalDate: MessageDate(time: test.clock.now))
        let missing = NewMessage(
            StagedMessage(
                content: .blob(BlobID(rawValue: 12345)),
                size: 10,
                digest: SHA256.hash([1]),
                summary: good.message.summary
            ),
            internalDate: good.internalDate
        )
        await #expect(throws: StoreError.unavailable) { try await mail.append([good, missing], to: inbox) }
        #expect(try await mail.status(of: inbox).messages == 0)
        #expect(try await test.number("SELECT count(*) FROM blob") == 0)
    }

    @Test func uidsRunOutAndDoNotWrap() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await test.store.between { sql in
            try sql.run("UPDATE mailbox SET uidnext = 4294967293 WHERE id = ?", .int(inbox.rawValue))
        }
        #expect(try await mail.append(octets("a"), to: inbox) == 4_294_967_293)
        #expect(try await mail.append(octets("b"), to: inbox) == 4_294_967_294)
        await #expect(throws: StoreError.uidsExhausted) { try await mail.append(octets("c"), to: inbox) }
        #expect(try await mail.status(of: inbox).uidNext == 4_294_967_295)
        #expect(try await mail.open(inbox).current?.uids() == [4_294_967_293, 4_294_967_294])
        try await test.verify()
    }
}
