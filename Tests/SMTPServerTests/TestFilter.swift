// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import MilterClient
@testable import SMTPServer

/// A filter in memory that lets everything pass and, at the end of each message, says what it was made with.
struct TestFilter: MilterConnector {
    /// Letters and payloads, without the answer behind them.
    let changes: [(letter: Character, payload: String)]

    func open(timeout: Duration) async throws -> any MilterChannel { Channel(changes: self.changes) }

    /// The policy that asks it.
    static func policy(_ changes: [(Character, String)], roles: Set<SMTPRole> = Set(SMTPRole.allCases)) -> FilterPolicy
    {
        FilterPolicy(
            milters: [
                Milter(
                    name: "test",
                    connector: TestFilter(changes: changes.map { (letter: $0.0, payload: $0.1) }),
                    timeout: .seconds(5),
                    whenUnreachable: .tempfail,
                    roles: roles
                )
            ]
        )
    }

    private final class Channel: MilterChannel {
        private let changes: [(letter: Character, payload: String)]
        private var reader = MilterFrameReader()
        private let feed: AsyncStream<[UInt8]>.Continuation
        private var iterator: AsyncStream<[UInt8]>.Iterator

        init(changes: [(letter: Character, payload: String)]) {
            self.changes = changes
            let (stream, feed) = AsyncStream.makeStream(of: [UInt8].self)
            self.feed = feed
            self.iterator = stream.makeAsyncIterator()
        }

        func read() async throws -> [UInt8]? { await self.iterator.next(isolation: #isolation) }

        func write(_ octets: [UInt8]) async throws {
            self.reader.append(octets)
            while let frame = try self.reader.next() {
                switch Character(Unicode.Scalar(frame.letter)) {
                case "O": self.say("O", [0, 0, 0, 6, 0, 0, 0, 0x31, 0, 0, 0, 0])
                case "D", "A", "Q": break
                case "E":
                    for change in self.changes { self.say(change.letter, Array(change.payload.utf8)) }
                    self.say("c", [])
                default: self.say("c", [])
                }
            }
        }

        private func say(_ letter: Character, _ payload: [UInt8]) {
            self.feed.yield(MilterFrame.encoded(letter.asciiValue ?? 0, payload))
        }

        var hangUp: @Sendable () -> Void { { [feed] in feed.finish() } }
    }
}
