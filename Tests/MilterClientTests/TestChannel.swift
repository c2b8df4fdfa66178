// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

@testable import MilterClient

/// A filter that says what it is told to say: in memory.
struct TestChannel: MilterConnector {
    private final class State: Sendable {
        let heard = Mutex<[UInt8]>([])
        let isClosed = Mutex(false)
    }

    private let state = State()
    private let stream: AsyncStream<[UInt8]>
    private let feed: AsyncStream<[UInt8]>.Continuation

    init() {
        (self.stream, self.feed) = AsyncStream.makeStream(of: [UInt8].self)
    }

    // MARK: The filter's side

    func say(_ letter: Character, _ payload: [UInt8] = []) {
        self.feed.yield(MilterFrame.encoded(letter.asciiValue ?? 0, payload))
    }

    func say(octets: [UInt8]) { self.feed.yield(octets) }

    /// Agrees to everything, but for the steps that are named.
    func agree(version: UInt32 = 6, actions: MilterActions = .offered, steps: MilterSteps = []) {
        var payload: [UInt8] = []
        payload.append(number: version)
        payload.append(number: actions.rawValue)
        payload.append(number: steps.rawValue)
        self.say("O", payload)
    }

    func hangUpThere() { self.feed.finish() }

    /// What was heard since the last time, as letters and texts: `D C j=mx`, `H name`.
    func heard() throws -> [String] {
        let octets = self.state.heard.withLock { heard in
            defer { heard = [] }
            return heard
        }
        var reader = MilterFrameReader()
        reader.append(octets)
        var lines: [String] = []
        while let frame = try reader.next() {
            let text = String(decoding: frame.payload.map { $0 == 0 ? UInt8(ascii: "|") : $0 }, as: UTF8.self)
            lines.append("\(Character(Unicode.Scalar(frame.letter)))\(text.isEmpty ? "" : " \(text)")")
        }
        return lines
    }

    var isClosed: Bool { self.state.isClosed.withLock { $0 } }

    // MARK: Our side

    func open(timeout: Duration) async throws -> any MilterChannel {
        Opened(state: self.state, feed: self.feed, iterator: self.stream.makeAsyncIterator())
    }

    private struct Opened: MilterChannel {
        let state: State
        let feed: AsyncStream<[UInt8]>.Continuation
        var iterator: AsyncStream<[UInt8]>.Iterator

        mutating func read() async throws -> [UInt8]? { await self.iterator.next(isolation: #isolation) }

        func write(_ octets: [UInt8]) async throws {
            if self.state.isClosed.withLock({ $0 }) { throw MilterFailure.hungUp }
            self.state.heard.withLock { $0 += octets }
        }

        var hangUp: @Sendable () -> Void {
            { [state, feed] in
                state.isClosed.withLock { $0 = true }
                feed.finish()
            }
        }
    }
}
