// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

@Suite("RFC 5267 §4.3 UPDATE", .timeLimit(.minutes(1))) struct SearchContextTests {
    private func run(_ keys: String, _ fixture: FetchFixture) throws -> SearchRun {
        var parser = CommandParser(octets(keys))
        return SearchRun(program: try SearchProgram(&parser), texts: [], store: fixture.store)
    }

    @Test("Whatever happens to a mailbox, the result told is the result of a new search")
    func same() async throws {
        var random = SeededGenerator(seed: 5267)
        for _ in 0..<200 {
            let fixture = FetchFixture(Array(repeating: octets("a"), count: 12), flags: [])
            var selected = try fixture.selected()
            let run = try self.run("SEEN", fixture)
            let found = try await run.found(in: selected)
            var context = SearchContext(tag: "a", addressing: .uids, run: run, found: found, in: selected)
            // What a client makes of the responses.
            var mirror = Set(context.results)
            for _ in 0..<20 {
                let uid = try #require(fixture.store.all.randomElement(using: &random))
                switch Int.random(in: 0..<4, using: &random) {
                case 0: fixture.store.expungeElsewhere(uid)
                default: fixture.store.toggleSeenElsewhere(uid)
                }
                // The client is not told after each change.
                guard Bool.random(using: &random) else { continue }
                let index = try #require(fixture.store.resident.current)
                mirror.subtract(context.removeGone(from: index))
                _ = selected.sync(with: index, mayExpunge: Bool.random(using: &random))
                let changed = context.changed(in: index, of: selected)
                let now = try #require(run.foundInMemory(in: selected, among: changed))
                let change = context.update(found: now, among: changed, upTo: index.highestModSeq)
                mirror.subtract(change.removed)
                #expect(mirror.isDisjoint(with: change.added))
                mirror.formUnion(change.added)
                #expect(mirror.sorted() == context.results)
                #expect(try await run.found(in: selected).map(\.rawValue) == context.results)
            }
        }
    }

    @Test("A deleted mailbox has no results")
    func deleted() async throws {
        let fixture = FetchFixture([octets("a"), octets("b")])
        let selected = try fixture.selected()
        let run = try self.run("ALL", fixture)
        let found = try await run.found(in: selected)
        var context = SearchContext(tag: "a", addressing: .uids, run: run, found: found, in: selected)
        #expect(context.removeGone(from: nil) == [10, 20])
        #expect(context.removeGone(from: nil).isEmpty)
    }
}
