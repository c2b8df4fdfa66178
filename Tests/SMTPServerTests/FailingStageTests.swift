// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import SMTPServer

/// A queue whose disk is full after so many octets of what comes in, or that cannot accept.
final class FailingQueue: MailQueue {
    private let base: SQLiteStore
    private let room: Int
    private let acceptError: (any Error)?

    init(_ base: SQLiteStore, room: Int = .max, acceptError: (any Error)? = nil) {
        self.base = base
        self.room = room
        self.acceptError = acceptError
    }

    struct Stage: MessageStage {
        var base: any MessageStage
        let room: Int
        var size: Int { self.base.size }
        mutating func append(_ octets: ArraySlice<UInt8>) async throws {
            guard self.size + octets.count <= self.room else { throw StoreError.full }
            try await self.base.append(octets)
        }
        mutating func finish(front: [UInt8]) async throws -> StagedMessage { try await self.base.finish(front: front) }
        mutating func abandon() async { await self.base.abandon() }
    }

    var feed: ChangeFeed { self.base.feed }
    func stage(limit: Int, front: Int) -> any MessageStage {
        Stage(base: self.base.stage(limit: limit, front: front), room: self.room)
    }
    func accept(_ acceptance: Acceptance, report: Acceptance?) async throws -> AcceptanceReceipt {
        if let error = self.acceptError { throw error }
        return try await self.base.accept(acceptance, report: report)
    }
    func due(at time: UnixTime, excluding: Set<QueueEntryID>, limit: Int) async throws -> [QueueEntry] { [] }
    func nextAttempt(after time: UnixTime) async throws -> UnixTime? { nil }
    func record(_ outcomes: [DeliveryOutcome], of entry: QueueEntryID, report: Acceptance?) async throws {}
    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8] {
        try await self.base.octets(of: blob, in: range)
    }
    func entries(after: QueueEntryID?, limit: Int) async throws -> [QueueEntry] { [] }
    func entry(_ id: QueueEntryID) async throws -> QueueEntry? { nil }
    func retry(_ id: QueueEntryID?, at time: UnixTime) async throws -> Int { 0 }
    func hold(_ id: QueueEntryID) async throws {}
    func remove(_ id: QueueEntryID) async throws {}
}

/// RFC 5321 §4.2.5: 250 is said for what is kept, and nothing else.
@Suite("RFC 5321 §4.2.5") struct FailingStageTests {
    private struct Broken: Error {}

    private func send(_ fixture: Fixture) async throws -> String {
        var reply = ""
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org")
            try await client.ask("DATA")
            reply = try await client.ask("Subject: x\r\n\r\nMAIL FROM:<ann@example.org>\r\n.")
            // The rest of the message was not taken for commands, and the session lives.
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("503 "))
            try await client.begin(to: "ann@example.org")
            client.send("BDAT 12\r\nSubject: x\r\nBDAT 0 LAST\r\n")
            var replies = [try await client.reply(), try await client.reply()]
            if replies[0].hasPrefix("250 ") { replies.removeFirst() }
            #expect(replies[0] == reply)
        }
        #expect(try await fixture.acceptedCount() == 0)
        return reply
    }

    @Test("A full disk: 452, wherever it is noticed", arguments: [0, 100, 148])
    func full(_ room: Int) async throws {
        let fixture = try await Fixture(queue: { FailingQueue($0, room: room) })
        #expect(try await self.send(fixture) == "452 4.3.1 Insufficient system storage")
        try await fixture.close()
    }

    @Test("The store cannot commit: 4xx, without detail")
    func commit() async throws {
        let cases: [(any Error, String)] = [
            (StoreError.full, "452 4.3.1 Insufficient system storage"),
            (StoreError.unavailable, "451 4.3.2 System is busy: try again later"),
            (StoreError.corrupt("secret detail"), "451 4.3.0 Error in processing"),
            (Broken(), "451 4.3.0 Error in processing"),
        ]
        for (error, expected) in cases {
            let fixture = try await Fixture(queue: { FailingQueue($0, acceptError: error) })
            #expect(try await self.send(fixture) == expected)
            try await fixture.close()
        }
    }

    @Test("RFC 3030 §2: chunks that are behind a failed one in the pipeline fail as it did")
    func pipelinedChunks() async throws {
        let fixture = try await Fixture(queue: { FailingQueue($0, room: 148) })
        let full = "452 4.3.1 Insufficient system storage"
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org")
            // 503 for the last one would be a permanent failure of the message.
            client.send("BDAT 12\r\nSubject: x\r\nBDAT 2\r\n\r\nBDAT 6\r\ntext\r\nBDAT 0 LAST\r\n")
            var replies: [String] = []
            for _ in 0..<4 { replies.append(try await client.reply()) }
            #expect(replies.drop { $0.hasPrefix("250 ") } == Array(repeating: full, count: replies.count)[...])
            #expect(try await client.ask("BDAT 0 LAST") == "503 5.5.1 Send MAIL first")
            for reset in ["RSET", "EHLO client.example.com", "MAIL FROM:<eve@example.net>"] {
                try await client.begin(to: "ann@example.org")
                #expect(try await client.ask("BDAT 40\r\n\(String(repeating: "x", count: 38))") == full)
                #expect(try await client.ask("RCPT TO:<ann@example.org>") == "503 5.5.1 Send MAIL first")
                #expect(try await client.ask("BDAT 0") == full)
                #expect(try await client.ask(reset).hasPrefix("250 "))
                #expect(try await client.ask("BDAT 0 LAST").hasPrefix(reset.hasPrefix("MAIL") ? "554 " : "503 "))
            }
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }

    @Test("A recipient whose account is removed meanwhile: 4xx, since the others are to get the message")
    func removed() async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org", "bob@example.org")
            try await fixture.store.removeAccount("bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\n.").hasPrefix("451 4.2.0 "))
            #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
            try await client.begin(to: "ann@example.org")
            #expect(try await client.ask("RCPT TO:<bob@example.org>").hasPrefix("550 5.1.1 "))
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        try await fixture.close()
    }
}
