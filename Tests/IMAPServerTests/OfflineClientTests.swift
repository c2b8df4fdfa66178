// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import IMAPServer

/// A client that comes and goes, at moments it does not choose, knows what a fresh one would find (RFC 7162 §6).
@Suite("RFC 7162 §6 Synchronization of a client that was away") struct OfflineClientTests {
    @Test("What it has kept is what a new client fetches", arguments: 1...12) func resynchronizes(
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let fixture = try await Fixture(clock: TestClock()) { _ in
        } configureStore: { options in
            // Now and then the store remembers less than the client has missed.
            options.expungedRanges = seed % 3 == 0 ? 6 : 65536
        }
        _ = try await fixture.mail.createMailbox(named: "Work", specialUse: nil)
        var world = World(mail: fixture.mail)
        try await world.append(Int.random(in: 0...400, using: &random))
        var client = OfflineClient()
        for _ in 0..<12 {
            try await Self.connected(to: fixture) { connection in
                try await client.visit(&connection, &world, &random)
            }
            for _ in 0..<Int.random(in: 0...8, using: &random) { try await world.change(&random) }
            if Int.random(in: 0..<12, using: &random) == 0 { try await world.recreate(&random) }
        }
        var fresh = OfflineClient()
        try await Self.connected(to: fixture) { connection in
            try await client.synchronize(&connection, &random)
        }
        try await Self.connected(to: fixture) { connection in try await fresh.synchronize(&connection, &random) }
        #expect(client.flags == fresh.flags)
        #expect(client.uidValidity == fresh.uidValidity)
        #expect(client.modSeq == fresh.modSeq)
        let index = try #require(try await fixture.mail.open(world.id()).current)
        #expect(fresh.flags.keys.sorted() == index.uids())
        let problems = try await fixture.store.verify { _, _ in }
        #expect(problems.isEmpty)
        try await fixture.close()
    }

    private static func connected(
        to fixture: Fixture,
        _ body: (inout LineConnection) async throws -> Void
    ) async throws {
        let service = fixture.service
        try await withThrowingTaskGroup(of: Void.self) { group in
            let received = ReceivedOctets()
            let (server, pipe) = PipeConnection<IMAPNote>.make(
                peer: Peer(address: "127.0.0.1", isLoopback: true),
                deliver: { received.append($0) }
            )
            group.addTask {
                defer { received.close() }
                var session = IMAPSession(connection: server, service: service)
                try await session.run()
            }
            defer { pipe.disconnect() }
            var connection = LineConnection(pipe: pipe, received: received)
            _ = try await connection.line()
            try await body(&connection)
            pipe.disconnect()
            try await group.waitForAll()
        }
    }
}

/// A client's end of a connection.
struct LineConnection {
    /// The client lost the connection at this moment.
    struct Lost: Error {}

    let pipe: PipeConnection<IMAPNote>.Client
    let received: ReceivedOctets
    private var lastTag = 0
    /// How many lines come before the connection breaks.
    var linesLeft = Int.max

    init(pipe: PipeConnection<IMAPNote>.Client, received: ReceivedOctets) {
        self.pipe = pipe
        self.received = received
    }

    /// Sends a command; its tag.
    mutating func send(_ command: String) -> String {
        self.lastTag += 1
        self.pipe.send(Array("a\(self.lastTag) \(command)\r\n".utf8))
        return "a\(self.lastTag)"
    }

    mutating func line() async throws -> String {
        guard self.linesLeft > 0, let line = try await self.received.line() else { throw Lost() }
        self.linesLeft -= 1
        return String(decoding: line, as: UTF8.self)
    }
}

/// What others do to the mailbox.
private struct World {
    let mail: any MailStore
    private var count = 0

    init(mail: any MailStore) { self.mail = mail }

    func id() async throws -> MailboxID { try #require(try await self.mail.mailbox(named: "Work")).id }

    mutating func append(_ count: Int) async throws {
        guard count > 0 else { return }
        var stage = self.mail.stage(limit: 100)
        try await stage.append(Array("Subject: x\r\n\r\nx\r\n".utf8)[...])
        let staged = try await stage.finish()
        let message = NewMessage(staged, internalDate: MessageDate(time: UnixTime(rawValue: 0), zoneOffsetMinutes: 0))
        _ = try await self.mail.append(Array(repeating: message, count: count), to: self.id())
    }

    mutating func change(_ random: inout SeededGenerator) async throws {
        let id = try await self.id()
        let uids = try await self.mail.open(id).current?.uids() ?? []
        let chosen = (0..<Int.random(in: 1...10, using: &random)).compactMap { _ in
            uids.randomElement(using: &random).map(UID.init(rawValue:))
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0...1: try await self.append(Int.random(in: 1...4, using: &random))
        case 2...4:
            let change = FlagChange(
                [.add, .remove, .replace].randomElement(using: &random) ?? .add,
                FlagSet(
                    system: SystemFlags(rawValue: UInt8.random(in: 0...31, using: &random)).subtracting(.deleted),
                    keywords: Bool.random(using: &random) ? ["$Work"] : []
                )
            )
            _ = try await self.mail.changeFlags(of: chosen, in: id, change, unchangedSince: nil)
        case 5:
            let archive = try #require(try await self.mail.mailbox(named: "Archive")).id
            _ = try await self.mail.move(chosen, from: id, to: archive)
        case 6: _ = try await self.mail.copy(chosen, from: id, to: id)
        default:
            let deleted = FlagChange(.add, FlagSet(system: .deleted))
            _ = try await self.mail.changeFlags(of: chosen, in: id, deleted, unchangedSince: nil)
            _ = try await self.mail.expunge(chosen, in: id)
        }
    }

    /// The same name, another mailbox.
    mutating func recreate(_ random: inout SeededGenerator) async throws {
        try await self.mail.deleteMailbox(named: "Work")
        _ = try await self.mail.createMailbox(named: "Work", specialUse: nil)
        try await self.append(Int.random(in: 0...20, using: &random))
    }
}

/// A client with a cache, which it keeps as RFC 7162 says and no better.
private struct OfflineClient {
    // What it keeps.
    private(set) var uidValidity: UInt32 = 0
    private(set) var modSeq: UInt64 = 0
    private(set) var flags: [UInt32: Set<String>] = [:]
    /// It has fetched what there was up to this UID.
    private var fetchedUpTo: UInt32 = 0

    // What it knows while connected.
    /// UIDs by message number, as far as it has been told.
    private var numbers: [UInt32?] = []
    private var isSelecting = false

    // Of the command in progress.
    private var highestSeen: UInt64 = 0
    private var code: UInt64?
    private var toldFlags: Set<UInt32> = []

    /// Connects, works a little while the world changes, and loses the connection somewhere.
    mutating func visit(
        _ connection: inout LineConnection,
        _ world: inout World,
        _ random: inout SeededGenerator
    ) async throws {
        let breaks = Bool.random(using: &random)
        do {
            if breaks { connection.linesLeft = Int.random(in: 1...60, using: &random) }
            try await self.synchronize(&connection, &random)
            if let request = Self.requests.randomElement(using: &random), !request.isEmpty {
                _ = try await self.run("NOTIFY \(request)", &connection)
            }
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                for _ in 0..<Int.random(in: 0...2, using: &random) { try await world.change(&random) }
                try await self.act(&connection, &world, &random)
                if self.numbers.contains(nil) { try await self.fetchNew(&connection) }
            }
        } catch is LineConnection.Lost {
            #expect(breaks)
        }
    }

    /// What it may want to hear of; what it does not hear it must find when it comes again.
    private static let requests = [
        "", "", "NONE", "SET (SELECTED-DELAYED (MessageNew MessageExpunge))",
        "SET (SELECTED-DELAYED (MessageNew (FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))",
    ]

    /// Logs in, and brings the cache up to date.
    mutating func synchronize(_ connection: inout LineConnection, _ random: inout SeededGenerator) async throws {
        // What was seen of a command that was never completed counts for nothing.
        (self.highestSeen, self.code) = (0, nil)
        // What it had begun to fetch it fetches again, for it will ask about the rest only.
        self.flags = self.flags.filter { uid, _ in uid <= self.fetchedUpTo }
        _ = try await self.run("LOGIN ann@example.org secret", &connection)
        _ = try await self.run("ENABLE QRESYNC", &connection)
        (self.isSelecting, self.numbers) = (true, [])
        if self.modSeq == 0 {
            _ = try await self.run("SELECT Work (CONDSTORE)", &connection)
        } else {
            _ = try await self.run("SELECT Work (QRESYNC (\(self.knowledge(&random))))", &connection)
        }
        self.isSelecting = false
        // Old messages come first; whatever was told of them must fit.
        let old = self.flags.keys.filter { $0 <= self.fetchedUpTo }.sorted()
        #expect(old.count <= self.numbers.count)
        for (position, uid) in old.enumerated() where position < self.numbers.count {
            #expect(self.numbers[position] == nil || self.numbers[position] == uid)
            self.numbers[position] = uid
        }
        try await self.fetchNew(&connection)
    }

    /// The arguments of QRESYNC.
    private func knowledge(_ random: inout SeededGenerator) -> String {
        var text = "\(self.uidValidity) \(self.modSeq)"
        if self.fetchedUpTo > 0, Bool.random(using: &random) { text += " 1:\(self.fetchedUpTo)" }
        let known = self.flags.keys.filter { $0 <= self.fetchedUpTo }.sorted()
        let samples = known.indices.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
        if !samples.isEmpty, Bool.random(using: &random) {
            text += " (\(samples.map { "\($0 + 1)" }.joined(separator: ",")) "
            text += "\(samples.map { "\(known[$0])" }.joined(separator: ",")))"
        }
        return text
    }

    private mutating func fetchNew(_ connection: inout LineConnection) async throws {
        _ = try await self.run("UID FETCH \(self.fetchedUpTo + 1):* (FLAGS)", &connection)
        self.fetchedUpTo = max(self.fetchedUpTo, self.flags.keys.max() ?? 0)
    }

    private mutating func act(
        _ connection: inout LineConnection,
        _ world: inout World,
        _ random: inout SeededGenerator
    ) async throws {
        let number = self.numbers.indices.randomElement(using: &random)
        let uid = number.flatMap { self.numbers[$0] }
        switch (Int.random(in: 0..<11, using: &random), number, uid) {
        case (0, _, _): _ = try await self.run("NOOP", &connection)
        case (1, let number?, _): _ = try await self.run("FETCH \(number + 1) (UID FLAGS MODSEQ)", &connection)
        case (2, let number?, let uid?):
            let completion = try await self.run("STORE \(number + 1) +FLAGS.SILENT (\\Flagged)", &connection)
            self.applyOwn(completion, "\\Flagged", to: uid)
        case (3, let number?, let uid?):
            let since = Bool.random(using: &random) ? self.modSeq : 1
            let completion = try await self.run(
                "STORE \(number + 1) (UNCHANGEDSINCE \(since)) +FLAGS.SILENT ($Mine)",
                &connection
            )
            self.applyOwn(completion, "$Mine", to: uid)
        case (4, _, let uid?): _ = try await self.run("UID STORE \(uid) -FLAGS (\\Seen)", &connection)
        case (5, _, _):
            let since = UInt64.random(in: 1...max(self.modSeq, 1), using: &random)
            _ = try await self.run("UID FETCH 1:* (FLAGS) (CHANGEDSINCE \(since) VANISHED)", &connection)
        case (6, _, let uid?):
            _ = try await self.run("UID STORE \(uid) +FLAGS (\\Deleted)", &connection)
            _ = try await self.run(Bool.random(using: &random) ? "EXPUNGE" : "UID EXPUNGE 1:*", &connection)
        case (7, _, let uid?): _ = try await self.run("UID MOVE \(uid) Archive", &connection)
        case (9, let number?, let uid?):
            // Those by number first: the others may shift numbers (RFC 9051 §5.5).
            try await self.runAll(
                [
                    "FETCH \(number + 1) (UID FLAGS MODSEQ)", "STORE \(number + 1) +FLAGS (\\Seen)",
                    "SEARCH MODSEQ 1 SUBJECT x", "UID STORE \(uid) -FLAGS ($Work)",
                    "UID FETCH 1:* (FLAGS) (CHANGEDSINCE \(max(self.modSeq, 1)) VANISHED)", "NOOP",
                ],
                &connection
            ) { try await world.change(&random) }
        case (8, _, _): _ = try await self.run("SEARCH MODSEQ \(max(self.modSeq, 1))", &connection)
        default:
            let tag = connection.send("IDLE")
            while try await !self.isContinuation(connection.line()) {}
            try await world.change(&random)
            connection.pipe.send(Array("DONE\r\n".utf8))
            _ = try await self.completion(of: tag, &connection)
        }
    }

    private mutating func isContinuation(_ line: String) -> Bool {
        if line.hasPrefix("+ ") { return true }
        self.take(line)
        return false
    }

    /// A silent change of its own: what is not told it does itself.
    private mutating func applyOwn(_ completion: String, _ flag: String, to uid: UInt32) {
        guard completion.hasPrefix("OK"), !completion.contains("MODIFIED"), !self.toldFlags.contains(uid) else {
            return
        }
        self.flags[uid]?.insert(flag)
    }

    private mutating func run(_ command: String, _ connection: inout LineConnection) async throws -> String {
        try await self.completion(of: connection.send(command), &connection)
    }

    /// Sends all of the commands without waiting, and takes everything up to the last tagged response.
    private mutating func runAll(
        _ commands: [String],
        _ connection: inout LineConnection,
        meanwhile: () async throws -> Void
    ) async throws {
        var tags = Set(commands.map { connection.send($0) })
        try await meanwhile()
        self.toldFlags = []
        while !tags.isEmpty {
            let line = try await connection.line()
            if let tag = tags.first(where: { line.hasPrefix("\($0) ") }) {
                tags.remove(tag)
                _ = self.complete(line, tag)
            } else {
                self.take(line)
            }
        }
    }

    /// Takes everything up to the tagged response; what stands behind the tag.
    private mutating func completion(of tag: String, _ connection: inout LineConnection) async throws -> String {
        self.toldFlags = []
        while true {
            let line = try await connection.line()
            if line.hasPrefix("\(tag) ") { return self.complete(line, tag) }
            self.take(line)
        }
    }

    private mutating func complete(_ line: String, _ tag: String) -> String {
        let text = String(line.dropFirst(tag.count + 1))
        #expect(text.hasPrefix("OK") || text.contains("EXPUNGEISSUED"), "\(line)")
        if let match = text.firstMatch(of: /\[HIGHESTMODSEQ (\d+)\]/) { self.code = UInt64(match.1) }
        // §6: the code if there was one, whatever else was seen; else the highest of what was seen.
        self.modSeq = self.code ?? max(self.modSeq, self.highestSeen)
        (self.highestSeen, self.code) = (0, nil)
        return text
    }

    private mutating func take(_ line: String) {
        if let match = line.wholeMatch(of: /\* (\d+) EXISTS/), let count = Int(match.1) {
            #expect(count >= self.numbers.count)
            self.numbers += Array(repeating: nil, count: max(0, count - self.numbers.count))
        } else if let match = line.wholeMatch(of: /\* VANISHED (\(EARLIER\) )?([0-9:,]+)/) {
            for uid in Self.uids(match.2) { self.takeVanished(uid, isEarlier: match.1 != nil) }
        } else if let match = line.wholeMatch(of: /\* (\d+) FETCH \((.*)\)/), let number = Int(match.1) {
            self.takeFetch(number, match.2)
        } else if let match = line.firstMatch(of: /^\* OK \[UIDVALIDITY (\d+)\]/), let validity = UInt32(match.1) {
            // §6: another mailbox, and everything that was known is nothing.
            if validity != self.uidValidity { (self.flags, self.fetchedUpTo, self.modSeq) = ([:], 0, 0) }
            self.uidValidity = validity
        } else if let match = line.firstMatch(of: /^\* OK \[HIGHESTMODSEQ (\d+)\]/), let modSeq = UInt64(match.1) {
            self.code = modSeq
            // Only that of SELECT comes before what it stands for.
            if !self.isSelecting { self.modSeq = modSeq }
        } else {
            #expect(!line.contains("EXPUNGE"), "\(line)")
        }
    }

    private mutating func takeVanished(_ uid: UInt32, isEarlier: Bool) {
        self.flags[uid] = nil
        guard !isEarlier else {
            #expect(!self.numbers.contains(uid), "VANISHED (EARLIER) of a message that is there")
            return
        }
        if let position = self.numbers.firstIndex(of: uid) {
            self.numbers.remove(at: position)
        } else {
            let before = self.numbers.lastIndex { $0.map { $0 < uid } ?? false } ?? -1
            let position = self.numbers.indices.first { $0 > before && self.numbers[$0] == nil }
            #expect(position != nil, "VANISHED of a message that was never there")
            if let position { self.numbers.remove(at: position) }
        }
    }

    private mutating func takeFetch(_ number: Int, _ items: Substring) {
        #expect((1...max(1, self.numbers.count)).contains(number), "FETCH \(number) of \(self.numbers.count)")
        guard number <= self.numbers.count, let uid = items.firstMatch(of: /UID (\d+)/).flatMap({ UInt32($0.1) }) else {
            Issue.record("FETCH without UID: \(items)")
            return
        }
        #expect(self.numbers[number - 1] == nil || self.numbers[number - 1] == uid)
        self.numbers[number - 1] = uid
        if let match = items.firstMatch(of: /FLAGS \(([^)]*)\)/) {
            self.flags[uid] = Set(match.1.split(separator: " ").map(String.init)).subtracting(["\\Recent"])
            self.toldFlags.insert(uid)
        } else {
            // Its own change is newer than what was told.
            self.toldFlags.remove(uid)
        }
        if let match = items.firstMatch(of: /MODSEQ \((\d+)\)/) {
            self.highestSeen = max(self.highestSeen, UInt64(match.1) ?? 0)
        }
    }

    private static func uids(_ set: Substring) -> [UInt32] {
        set.split(separator: ",").flatMap { range -> [UInt32] in
            let ends = range.split(separator: ":").compactMap { UInt32($0) }
            guard let first = ends.first, let last = ends.last, first <= last else {
                Issue.record("not a set of UIDs: \(set)")
                return []
            }
            return Array(first...last)
        }
    }
}
