// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPSyntax
import Synchronization
import TestSupport
import Testing

@testable import SMTPServer

/// What greylisting remembers, in memory.
private final class Notes: GreylistMemory {
    private let entries = Mutex<[UInt64: GreylistEntry]>([:])
    private let failures = Mutex(0)

    func greylist() async throws -> [GreylistEntry] { self.entries.withLock { Array($0.values) } }

    func updateGreylist(_ entries: [GreylistEntry], forgetting numbers: [UInt64]) async throws {
        let fails = self.failures.withLock { failures in
            defer { failures = max(0, failures - 1) }
            return failures > 0
        }
        if fails { throw StoreError.full }
        self.entries.withLock { all in
            for entry in entries { all[entry.number] = entry }
            for number in numbers { all[number] = nil }
        }
    }

    func fail(times: Int) { self.failures.withLock { $0 = times } }
}

/// A table that the macros of the tests can change.
private final class Table {
    private var table: GreylistTable

    init(_ options: Greylist.Options) { self.table = GreylistTable(options) }

    var count: Int { self.table.count }
    func mustWait(_ attempt: GreylistAttempt, at now: Int64) -> Bool { self.table.mustWait(attempt, at: now) }
    func forgetOld(at now: Int64) { self.table.forgetOld(at: now) }
    func takeChanges(limit: Int) -> (entries: [GreylistEntry], forgotten: [UInt64]) {
        self.table.takeChanges(limit: limit)
    }
    func giveBack(_ numbers: [UInt64]) { self.table.giveBack(numbers) }
}

@Suite("What greylisting remembers: RFC 6647") struct GreylistTableTests {
    private let first = GreylistAttempt(
        client: [192, 0, 2, 7],
        sender: "eve@example.net",
        recipient: "ann@example.org"
    )

    private static func options(_ change: (inout Greylist.Options) -> Void = { _ in }) -> Greylist.Options {
        var options = Greylist.Options()
        change(&options)
        return options
    }

    @Test("Who comes again in time is let in, and then its network is known") func comesAgain() {
        let table = Table(Self.options())
        #expect(table.mustWait(self.first, at: 1000))
        #expect(table.mustWait(self.first, at: 1001))
        // The first attempt counts, not the last.
        #expect(table.mustWait(self.first, at: 1299))
        #expect(!table.mustWait(self.first, at: 1300))
        let other = GreylistAttempt(client: [192, 0, 2, 250], sender: "x@example.net", recipient: "bob@example.org")
        #expect(!table.mustWait(other, at: 1301))
        let elsewhere = GreylistAttempt(client: [192, 0, 3, 7], sender: "x@example.net", recipient: "bob@example.org")
        #expect(table.mustWait(elsewhere, at: 1301))
    }

    @Test("Another host of the network, and other letters, are the same attempt") func sameAttempt() {
        let again = GreylistAttempt(client: [192, 0, 2, 9], sender: "EVE@example.net", recipient: "Ann@Example.org")
        #expect(again.number == self.first.number)
        let six = { (host: UInt8, net: UInt8) in
            GreylistAttempt(
                client: [0x20, 1, 0x0D, 0xB8, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host],
                sender: "",
                recipient: "ann@example.org"
            )
        }
        #expect(six(1, 1).number == six(2, 1).number)
        #expect(six(1, 1).number != six(1, 2).number)
        #expect(self.first.number != self.first.networkNumber)
        // Where one part ends and the next begins makes a difference.
        let moved = GreylistAttempt(client: [192, 0, 2, 7], sender: "eve@example.neta", recipient: "nn@example.org")
        #expect(moved.number != self.first.number)
    }

    @Test("Who comes too late begins anew, and a network that stays away is forgotten") func tooLate() {
        let table = Table(Self.options { $0.memory = 10_000 })
        #expect(table.mustWait(self.first, at: 0))
        #expect(table.mustWait(self.first, at: 86_401))
        #expect(!table.mustWait(self.first, at: 86_701))
        // Each message renews it, but not each is written down.
        #expect(!table.mustWait(self.first, at: 90_000))
        #expect(!table.mustWait(self.first, at: 96_000))
        #expect(!table.mustWait(self.first, at: 106_000))
        #expect(table.mustWait(self.first, at: 116_001))
        #expect(table.count == 2)
        table.forgetOld(at: 116_002)
        #expect(table.count == 1)
    }

    @Test("A clock that is set back makes nobody wait for years") func clockSetBack() {
        let table = Table(Self.options())
        #expect(table.mustWait(self.first, at: 1_000_000))
        #expect(table.mustWait(self.first, at: 1000))
        #expect(!table.mustWait(self.first, at: 1300))
    }

    @Test("Whatever comes, there is a bound, and who is known is forgotten last") func bounded() {
        let table = Table(Self.options { $0.limit = 100 })
        #expect(table.mustWait(self.first, at: 0))
        #expect(!table.mustWait(self.first, at: 300))
        for number in 0..<1000 {
            let attempt = GreylistAttempt(client: [10, 0, 0, 1], sender: "\(number)@example.net", recipient: "ann")
            #expect(table.mustWait(attempt, at: 301))
            #expect(table.count <= 100)
        }
        #expect(!table.mustWait(self.first, at: 302))
        let stored = (0..<1000).map { GreylistEntry(number: $0, since: Int64($0), isKnown: false) }
        #expect(GreylistTable(Self.options { $0.limit = 100 }, stored).count == 50)
    }

    @Test("Changes are taken in parts, and what did not get into the store comes again") func changes() {
        let table = Table(Self.options())
        #expect(table.mustWait(self.first, at: 0))
        #expect(!table.mustWait(self.first, at: 300))
        var numbers: [UInt64: Bool] = [:]
        for _ in 0..<2 {
            let changes = table.takeChanges(limit: 1)
            #expect(changes.entries.count + changes.forgotten.count == 1)
            for entry in changes.entries { numbers[entry.number] = true }
            for number in changes.forgotten { numbers[number] = false }
        }
        #expect(numbers == [self.first.networkNumber: true, self.first.number: false])
        #expect(table.takeChanges(limit: 10).entries.isEmpty)
        table.giveBack([self.first.networkNumber])
        #expect(table.takeChanges(limit: 10).entries.map(\.number) == [self.first.networkNumber])
    }

    @Test("What was saved is known to the next process; what could not be is saved later") func saved() async throws {
        let notes = Notes()
        let greylist = try await Greylist(Self.options(), memory: notes)
        #expect(greylist.mustWait(self.first, at: 1000))
        notes.fail(times: 1)
        await #expect(throws: StoreError.full) { try await greylist.save(at: 1000) }
        try await greylist.save(at: 1001)
        let next = try await Greylist(Self.options(), memory: notes)
        #expect(!next.mustWait(self.first, at: 1300))
        try await next.save(at: 1300)
        #expect(
            try await notes.greylist() == [GreylistEntry(number: self.first.networkNumber, since: 1300, isKnown: true)]
        )
        // Too old to matter.
        try await next.save(at: 1300 + 37 * 86_400)
        #expect(try await notes.greylist().isEmpty)
    }
}

@Suite("Who has to come twice") struct GreylistingTests {
    private static func fixture(
        _ clock: TestClock,
        lists: DNSLists? = nil,
        exempt: String? = nil
    ) async throws -> Fixture {
        try await Fixture(
            clock: clock,
            filters: FilterPolicy(
                isExempt: { $0.description == exempt },
                lists: lists,
                greylist: try await Greylist(Greylist.Options(), memory: Notes())
            )
        )
    }

    @Test("The second attempt is let in, some minutes later") func twice() async throws {
        let clock = TestClock()
        let fixture = try await Self.fixture(clock)
        func attempt(_ address: String) async throws -> String {
            var reply = ""
            try await fixture.connect(peer: Peer(address: address)) { client in
                try await client.ask("EHLO mail.example.net")
                try await client.ask("MAIL FROM:<eve@example.net>")
                reply = try await client.ask("RCPT TO:<ann@example.org>")
                // There is no such recipient, and coming again does not change that.
                #expect(try await client.ask("RCPT TO:<nobody@example.org>").hasPrefix("550 5.1.1 "))
                #expect(try await client.ask("DATA").hasPrefix(reply.hasPrefix("250 ") ? "354 " : "554 5.5.1 "))
            }
            return reply
        }
        #expect(try await attempt("192.0.2.7") == "451 4.7.1 Greylisted: try again in some minutes")
        clock.advance(by: .seconds(299))
        #expect(try await attempt("192.0.2.7").hasPrefix("451 4.7.1 "))
        clock.advance(by: .seconds(1))
        #expect(try await attempt("192.0.2.8").hasPrefix("250 "))
        #expect(try await attempt("192.0.2.9").hasPrefix("250 "))
        try await fixture.close()
    }

    @Test("Whoever asks with a null reverse-path whether an address is there hears the truth; reports come again")
    func nullReversePath() async throws {
        let fixture = try await Self.fixture(TestClock())
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.ask("MAIL FROM:<>")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("250 "))
            #expect(try await client.ask("DATA").hasPrefix("451 4.7.1 "))
            client.send("BDAT 3 LAST\r\nHi\n")
            #expect(try await client.reply().hasPrefix("451 4.7.1 "))
            try await client.ask("RSET")
            try await client.begin(from: "", to: "ann@example.org")
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }

    @Test("Nobody who is exempt or on a list of the good, and none of our users") func known() async throws {
        let clock = TestClock()
        let exempt = try await Self.fixture(clock, exempt: "192.0.2.7")
        try await exempt.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(to: "ann@example.org")
        }
        try await exempt.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
        }
        try await exempt.close()
        let names = TestLists(TestLists.zone("good.example.com", ["7.2.0.192": "127.0.0.2"]))
        let lists = DNSLists(blocking: [], allowing: [try #require(DNSList("good.example.com"))], names: names)
        let listed = try await Self.fixture(clock, lists: lists)
        try await listed.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(to: "ann@example.org")
        }
        try await listed.connect(peer: Peer(address: "192.0.2.8")) { client in
            try await client.ask("EHLO mail.example.net")
            try await client.ask("MAIL FROM:<eve@example.net>")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("451 4.7.1 "))
        }
        try await listed.close()
    }
}
