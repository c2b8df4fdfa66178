// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailMessage
import MailStorage
import Synchronization
import Testing

@testable import SQLiteStorage

/// A store in a folder of its own, which goes when this does.
final class TestStore: Sendable {
    let folder: URL
    let clock: TestClock
    let store: SQLiteStore

    var path: String { self.folder.appendingPathComponent("mail.sqlite").path }

    init(
        clock: TestClock = TestClock(),
        in existing: URL? = nil,
        options change: (inout StoreOptions) -> Void = { _ in }
    ) throws {
        self.clock = clock
        self.folder =
            existing
            ?? FileManager.default.temporaryDirectory.appendingPathComponent("letterhouse-store-\(UUID().uuidString)")
        var options = StoreOptions()
        options.now = { clock.now }
        change(&options)
        self.store = try SQLiteStore(
            path: self.folder.appendingPathComponent("mail.sqlite").path,
            options: options
        )
    }

    deinit { try? FileManager.default.removeItem(at: self.folder) }

    /// The store of a new account.
    func account(_ address: String = "ann@example.org") async throws -> any MailStore {
        let domain = String(address.drop { $0 != "@" }.dropFirst())
        if try await !self.store.domains().contains(domain) { try await self.store.addDomain(domain) }
        return self.store.mailStore(of: try await self.store.addAccount(address, verifier: "v").id)
    }

    /// Fails the test if anything is wrong with the file.
    func verify(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let problems = try await self.store.verify { _, _ in }
        #expect(problems.isEmpty, sourceLocation: sourceLocation)
    }

    /// A number from the file.
    func number(_ sql: String) async throws -> Int { Int(try await self.store.read { try $0.number(sql) }) }
}

final class TestClock: Sendable {
    private let time: Mutex<Int64>
    init(_ time: Int64 = 1_700_000_000) { self.time = Mutex(time) }
    var now: UnixTime { UnixTime(rawValue: self.time.withLock { $0 }) }
    func advance(by seconds: Int64) { self.time.withLock { $0 += seconds } }
}

/// The same numbers each time (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { self.state = seed }
    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A message of about that size, different for each text.
func octets(_ text: String, size: Int = 0) -> [UInt8] {
    let head = Array("Subject: \(text)\r\n\r\n\(text)\r\n".utf8)
    return head + [UInt8](repeating: UInt8(ascii: "x"), count: max(0, size - head.count))
}

extension MessageStaging {
    /// Stages octets in pieces, as a connection would.
    func staged(_ octets: [UInt8], pieces: Int = 60000) async throws -> StagedMessage {
        var stage = self.stage(limit: octets.count)
        for start in stride(from: 0, to: octets.count, by: pieces) {
            try await stage.append(octets[start..<min(start + pieces, octets.count)])
        }
        return try await stage.finish()
    }
}

extension MailStore {
    /// The mailbox that may be read.
    func mailbox(named name: String) async throws -> Mailbox? { try await self.mailbox(named: name, needing: .read) }

    var inbox: Mailbox {
        get async throws { try #require(try await self.mailbox(named: "INBOX")) }
    }

    @discardableResult
    func append(
        _ octets: [UInt8],
        to mailbox: MailboxID,
        flags: SystemFlags = [],
        keywords: [String] = []
    ) async throws -> UID {
        let message = NewMessage(
            try await self.staged(octets),
            flags: FlagSet(system: flags, keywords: keywords),
            internalDate: MessageDate(time: UnixTime(rawValue: 1_600_000_000), zoneOffsetMinutes: 60)
        )
        return try #require(try await self.append([message], to: mailbox).uids.first)
    }

    func content(_ blob: BlobID, size: Int) async throws -> [UInt8] {
        var content: [UInt8] = []
        while content.count < size { content += try await self.octets(of: blob, in: content.count..<size) }
        return content
    }
}

extension UID: ExpressibleByIntegerLiteral {
    /// A UID as written in a test.
    public init(integerLiteral value: UInt32) { self.init(rawValue: value) }
}

/// What two indexes that mean the same have in common.
struct IndexContents: Hashable {
    let uidNext: UID
    let recentFrom: UID
    let highestModSeq: ModSeq
    let keywords: [String]
    let count: Int
    let slots: [UInt32: MailboxPage.Slot]

    init(_ index: MailboxIndex) {
        self.uidNext = index.uidNext
        self.recentFrom = index.recentFrom
        self.highestModSeq = index.highestModSeq
        self.keywords = index.keywords
        self.count = index.count
        var slots: [UInt32: MailboxPage.Slot] = [:]
        for uid in index.uids() { slots[uid] = index[UID(rawValue: uid)] }
        self.slots = slots
    }
}

extension SQLiteStore {
    /// The index as the file has it, not as memory has it.
    func stored(_ mailbox: MailboxID) async throws -> MailboxIndex {
        let index = try await self.read { sql in try MailboxState(mailbox, sql, residents: nil)?.index(sql) }
        return try #require(index)
    }
}

/// Counts pokes.
final class Pokes: Sendable {
    private let count = Mutex(0)
    func add() { self.count.withLock { $0 += 1 } }
    /// How many since the last time.
    func take() -> Int {
        self.count.withLock { count in
            defer { count = 0 }
            return count
        }
    }
}
