// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

/// How much a SEARCH may do, and where it runs.
@Suite("RFC 9051 §6.4.4 SEARCH, its limits", .timeLimit(.minutes(20))) struct SearchRunTests {
    private func run(_ keys: String, _ fixture: FetchFixture) throws -> SearchRun {
        var parser = CommandParser(octets(keys))
        return SearchRun(program: try SearchProgram(&parser), texts: [], store: fixture.store)
    }

    private func keys(_ count: Int) -> String { Array(repeating: "UNSEEN", count: count).joined(separator: " ") }

    @Test("Five hundred keys are enough", arguments: [(500, true), (501, false)])
    func keyLimit(count: Int, isAllowed: Bool) {
        var parser = CommandParser(octets(self.keys(count)))
        let program = try? SearchProgram(&parser)
        #expect((program != nil) == isAllowed)
    }

    @Test("What takes long does not run within the session")
    func quick() throws {
        let fixture = FetchFixture([])
        #expect(try self.run("SEEN", fixture).isQuick(for: 100_000))
        #expect(try self.run(self.keys(400), fixture).isQuick(for: 2_000))
        #expect(try !self.run(self.keys(400), fixture).isQuick(for: 3_000))
        #expect(try !self.run("SUBJECT x", fixture).isQuick(for: 1))
        #expect(try self.run("OR (SEEN NOT DRAFT) UNSEEN", fixture).program.keyCount == 5)
    }

    @Test("Long work ends when nobody waits for it")
    func cancelled() async throws {
        let fixture = FetchFixture(Array(repeating: [], count: 2_000), flags: [])
        let selected = try fixture.selected()
        let run = try self.run(self.keys(500), fixture)
        #expect(try await run.found(in: selected).count == 2_000)
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                await #expect(throws: CancellationError.self) { _ = try await run.found(in: selected) }
            }
        }
    }

    @Test(
        "Memory's answers are the same within the session and beside it",
        arguments: ["SEEN", "NOT SEEN", "ALL", "UID 20"]
    )
    func same(_ keys: String) async throws {
        let fixture = FetchFixture([octets("a"), octets("b"), octets("c")])
        let selected = try fixture.selected()
        let run = try self.run(keys, fixture)
        #expect(try await run.found(in: selected) == run.foundInMemory(in: selected))
    }

    @Test("No more of a header than a mebibyte is read")
    func headerLimit() async throws {
        let padding = String(repeating: "X-Pad: \(String(repeating: "y", count: 900))\n", count: 1_300)
        let fixture = FetchFixture([octets("X-First: here\n\(padding)X-Last: here\n\nbody\n")])
        let selected = try fixture.selected()
        #expect(try await self.run("HEADER x-first HERE", fixture).found(in: selected).count == 1)
        #expect(try await self.run("HEADER X-Last here", fixture).found(in: selected).isEmpty)
        #expect(fixture.store.log.reads.allSatisfy { $0.upperBound <= 1 << 20 })
    }

    @Test(
        "A set with numbers is one of numbers; `$` alone names UIDs",
        arguments: [("$", false), ("$,1", true), ("*", true)]
    )
    func usesNumbers(_ set: String, _ usesNumbers: Bool) throws {
        #expect(try self.run(set, FetchFixture([])).program.usesNumbers == usesNumbers)
    }
}

/// What commands that name a mailbox depend on.
@Suite("RFC 9051 §5.5 mailboxes are looked up") struct MailboxFootprintTests {
    @Test("COPY and MOVE read the names of mailboxes") func footprints() async throws {
        let fixture = try await Fixture(clock: TestClock())
        var view = SessionView(service: fixture.service, peer: Peer(address: "127.0.0.1"))
        view.account = fixture.account
        view.selected = try FetchFixture([octets("a")]).selected()
        let create = Footprint(writes: .mailboxes)
        var parser = CommandParser(octets(" 1 New"))
        #expect(try CopyCommand(&parser).bind(to: view).footprint.conflicts(with: create))
        parser = CommandParser(octets(" 1 New"))
        #expect(try MoveCommand(&parser).bind(to: view).footprint.conflicts(with: create))
        try await fixture.close()
    }
}
