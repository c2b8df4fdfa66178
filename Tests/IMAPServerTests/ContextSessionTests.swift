// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// Contexts in a session that does other things, with changes by two clients.
@Suite("RFC 5267 §4.3 UPDATE in a session", .timeLimit(.minutes(20))) struct ContextSessionTests {
    /// A client that keeps the results of its contexts.
    private final class Client: Sendable {
        private final class Received: Sendable { let octets = Mutex<[UInt8]>([]) }

        private let received: Received
        private let client: PipeConnection<IMAPNote>.Client

        /// Connects to a session of its own.
        init(_ service: IMAPService, in group: inout ThrowingTaskGroup<Void, any Error>) {
            let received = Received()
            let (server, client) = PipeConnection<IMAPNote>.make(
                peer: Peer(address: "127.0.0.1", isLoopback: true),
                security: Transcript.security,
                deliver: { octets in received.octets.withLock { $0 += octets } }
            )
            (self.received, self.client) = (received, client)
            group.addTask {
                var session = IMAPSession(connection: server, service: service)
                try await session.run()
            }
        }

        func send(_ command: String) { self.client.send(Array("\(command)\r\n".utf8)) }

        func close() {
            self.client.close()
            self.client.close()
        }

        /// All lines so far.
        var lines: [Substring] {
            String(decoding: self.received.octets.withLock { $0 }, as: UTF8.self).split(separator: "\r\n")
        }

        /// Sends a command and waits for its end.
        func run(_ tag: String, _ command: String) async {
            self.send("\(tag) \(command)")
            while !self.lines.contains(where: { $0.hasPrefix("\(tag) ") }) { await Task.yield() }
        }

        /// What a context's responses add up to, in the order requested.
        func results(_ tag: String) throws -> [Int] {
            var results: [Int] = []
            for line in self.lines where line.hasPrefix("* ESEARCH (TAG \"\(tag)\") UID") {
                let words = line.split(whereSeparator: { " ()".contains($0) }).map(String.init)
                guard let start = words.firstIndex(of: "UID") else { continue }
                switch words.dropFirst(start + 1).first {
                case "ALL": results = self.numbers(words[start + 2])
                case let item?:
                    let pairs = words[(start + 2)...]
                    for index in stride(from: pairs.startIndex, to: pairs.endIndex, by: 2) {
                        let position = try #require(Int(pairs[index]))
                        let numbers = self.numbers(pairs[index + 1])
                        switch (item, position) {
                        case ("ADDTO", 0): results = (results + numbers).sorted()
                        case ("ADDTO", _): results.insert(contentsOf: numbers, at: position - 1)
                        case (_, 0): results.removeAll { numbers.contains($0) }
                        default:
                            let range = position - 1..<position - 1 + numbers.count
                            #expect(Array(results[range]) == numbers)
                            results.removeSubrange(range)
                        }
                    }
                case nil: break
                }
            }
            return results
        }

        private func numbers(_ set: String) -> [Int] {
            set.split(separator: ",").flatMap { range -> [Int] in
                let ends = range.split(separator: ":").compactMap { Int($0) }
                return ends.count == 2 ? Array(ends[0]...ends[1]) : ends
            }
        }
    }

    @Test("What is told adds up to what a new search finds", arguments: 1...4)
    func sum(seed: UInt64) async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.deliver(1...9)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let one = Client(fixture.service, in: &group)
            let two = Client(fixture.service, in: &group)
            for client in [one, two] {
                await client.run("a", "LOGIN ann@example.org secret")
                await client.run("b", "SELECT INBOX")
            }
            let searches = [
                ("flags", "UID SEARCH", "", "UNFLAGGED"),
                ("store", "UID SEARCH", "", "UNFLAGGED SUBJECT message NOT SUBJECT 3"),
                ("sort", "UID SORT", "(REVERSE SUBJECT) UTF-8 ", "UNFLAGGED"),
                ("both", "UID SORT", "(SUBJECT) UTF-8 ", "UNFLAGGED BODY message"),
            ]
            for (tag, command, order, keys) in searches {
                await one.run(tag, "\(command) RETURN (UPDATE ALL) \(order)\(keys)")
            }
            if seed % 2 == 0 {
                // Told at any time, each change is still told once.
                let groups = "(SELECTED (MessageNew (FLAGS) MessageExpunge FlagChange)) (personal (MailboxName))"
                await one.run("notify", "NOTIFY SET \(groups)")
            }
            var random = SeededGenerator(seed: seed)
            var next = 10
            for round in 0..<60 {
                let client = Bool.random(using: &random) ? one : two
                let uid = Int.random(in: 1..<next, using: &random)
                switch Int.random(in: 0..<8, using: &random) {
                case 0: await client.run("r\(round)", "UID STORE \(uid) +FLAGS.SILENT (\\Deleted)")
                case 1: await client.run("r\(round)", "EXPUNGE")
                case 2:
                    try await fixture.deliver(next...next)
                    next += 1
                case 3...5: client.send("r\(round) UID STORE \(uid) +FLAGS (\\Flagged)")
                default: client.send("r\(round) UID STORE \(uid),\(uid + 1) -FLAGS.SILENT (\\Flagged)")
                }
            }
            await two.run("done", "NOOP")
            // Evaluations that are under way have ended when there is nothing more to be told.
            for (tag, command, order, keys) in searches {
                var attempt = 0
                while true {
                    await one.run("\(tag)\(attempt)", "\(command) RETURN (ALL) \(order)\(keys)")
                    if try one.results(tag) == one.results("\(tag)\(attempt)") { break }
                    attempt += 1
                    try #require(attempt < 500, "\(tag)")
                }
            }
            one.close()
            two.close()
            try await group.waitForAll()
        }
        try await fixture.close()
    }
}
