// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

@Suite("RFC 5267 §4.3 UPDATE", .timeLimit(.minutes(20))) struct SearchContextTests {
    private func run(_ keys: String, _ fixture: FetchFixture) throws -> SearchRun {
        var parser = CommandParser(octets(keys))
        return SearchRun(program: try SearchProgram(&parser), texts: [], store: fixture.store)
    }

    /// What a client makes of the responses.
    private struct Mirror {
        var results: [UInt32]

        mutating func remove(_ places: [SearchContext.Places]) {
            for place in places {
                guard place.position > 0 else {
                    #expect(place.uids.allSatisfy(self.results.contains))
                    self.results.removeAll { place.uids.contains($0) }
                    continue
                }
                let range = place.position - 1..<place.position - 1 + place.uids.count
                #expect(Array(self.results[range]) == place.uids)
                self.results.removeSubrange(range)
            }
        }

        mutating func add(_ places: [SearchContext.Places]) {
            for place in places {
                #expect(!place.uids.contains(where: self.results.contains))
                guard place.position > 0 else {
                    self.results = (self.results + place.uids).sorted()
                    continue
                }
                self.results.insert(contentsOf: place.uids, at: place.position - 1)
            }
        }
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
            var mirror = Mirror(results: context.results)
            for _ in 0..<20 {
                let uid = try #require(fixture.store.all.randomElement(using: &random))
                switch Int.random(in: 0..<4, using: &random) {
                case 0: fixture.store.expungeElsewhere(uid)
                default: fixture.store.toggleSeenElsewhere(uid)
                }
                // The client is not told after each change.
                guard Bool.random(using: &random) else { continue }
                let index = try #require(fixture.store.resident.current)
                mirror.remove(context.removeGone(from: index))
                _ = selected.sync(with: index, mayExpunge: Bool.random(using: &random))
                let changed = context.changed(in: index, of: selected)
                let now = try #require(run.foundInMemory(in: selected, among: changed))
                let change = context.update(found: now, among: changed, upTo: index.highestModSeq)
                mirror.remove(change.removed)
                mirror.add(change.added)
                #expect(mirror.results == context.results)
                #expect(try await run.found(in: selected).map(\.rawValue) == context.results)
            }
        }
    }

    @Test("The same of sorted results, each change at its place")
    func sorted() async throws {
        var random = SeededGenerator(seed: 5268)
        for round in 0..<200 {
            // Many are equal by the criteria; then they are in the order of the mailbox.
            let count = round % 10 == 0 ? 80 : 12
            let messages = (0..<count).map { _ in octets("Subject: \(Int.random(in: 0..<6, using: &random))\n\n") }
            let fixture = FetchFixture(messages, flags: round.isMultiple(of: 2) ? [] : .seen)
            var selected = try fixture.selected()
            let run = try self.run("SEEN", fixture)
            var parser = CommandParser(octets("(REVERSE SUBJECT)"))
            let sort = SortRun(criteria: try SortCriterion.list(&parser), store: fixture.store)
            func fresh(_ selected: SelectedMailbox) async throws -> [UID] {
                try await sort.sorted(try await run.found(in: selected), in: selected.id)
            }
            var context = SearchContext(
                tag: "a",
                addressing: .uids,
                run: run,
                sort: sort,
                found: try await fresh(selected),
                in: selected
            )
            var mirror = Mirror(results: context.results)
            for _ in 0..<20 {
                let uid = try #require(fixture.store.all.randomElement(using: &random))
                switch Int.random(in: 0..<6, using: &random) {
                case 0: fixture.store.expungeElsewhere(uid)
                default: fixture.store.toggleSeenElsewhere(uid)
                }
                guard Bool.random(using: &random) else { continue }
                let index = try #require(fixture.store.resident.current)
                mirror.remove(context.removeGone(from: index))
                _ = selected.sync(with: index, mayExpunge: Bool.random(using: &random))
                let changed = context.changed(in: index, of: selected)
                let now = try #require(run.foundInMemory(in: selected, among: changed))
                let additions = context.additions(now)
                let results = context.results.map(UID.init(rawValue:))
                let order =
                    additions.isEmpty ? nil : try await sort.inserting(additions, into: results, in: selected.id)
                let change = context.update(found: now, among: changed, order: order, upTo: index.highestModSeq)
                mirror.remove(change.removed)
                mirror.add(change.added)
                #expect(mirror.results == context.results)
                #expect(try await fresh(selected).map(\.rawValue) == context.results)
            }
        }
    }

    @Test("Messages that are gone do not mislead: what is put among them is where it belongs")
    func insertingAmongGone() async throws {
        let fixture = FetchFixture((0..<100).map { octets("Subject: \($0 + 100)\n\n") })
        var parser = CommandParser(octets("(SUBJECT)"))
        let sort = SortRun(criteria: try SortCriterion.list(&parser), store: fixture.store)
        let all = fixture.store.all.map(UID.init(rawValue:))
        var sorted = all
        let added = sorted.remove(at: 70)
        for uid in sorted[40..<60] { fixture.store.expungeElsewhere(uid.rawValue) }
        let order = try await sort.inserting([added], into: sorted, in: MailboxID(rawValue: 7))
        #expect(order == all)
    }

    @Test("A deleted mailbox has no results")
    func deleted() async throws {
        let fixture = FetchFixture([octets("a"), octets("b")])
        let selected = try fixture.selected()
        let run = try self.run("ALL", fixture)
        let found = try await run.found(in: selected)
        var context = SearchContext(tag: "a", addressing: .uids, run: run, found: found, in: selected)
        #expect(context.removeGone(from: nil) == [SearchContext.Places(position: 0, uids: [10, 20])])
        #expect(context.removeGone(from: nil).isEmpty)
    }
}
