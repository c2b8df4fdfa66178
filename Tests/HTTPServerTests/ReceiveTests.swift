// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: receiving") struct ReceiveTests {
    @Test(
        "greeting-by-poll: The greeting comes with the first request for data",
        arguments: [HTTPRequest.Method.get, .post]
    )
    func greeting(method: HTTPRequest.Method) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(method, try await fixture.open())
            #expect(answer.status == .ok)
            #expect(answer.text.hasPrefix("* OK [CAPABILITY "))
            #expect(answer.text.hasSuffix("\r\n"))
        }
    }

    @Test("no-starttls: STARTTLS is not offered, LOGIN is allowed") func capabilities() async throws {
        try await Fixture.run { fixture in
            let text = try await fixture.ask(.get, try await fixture.open()).text
            #expect(!text.contains("STARTTLS"))
            #expect(!text.contains("LOGINDISABLED"))
        }
    }

    @Test("poll-parks-60s, poll-timeout-empty-200: A request waits 60 seconds, and is then answered with nothing")
    func timeout() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            async let parked = fixture.ask(.get, path)
            try await fixture.untilParked(path)
            fixture.clock.advance(by: .seconds(59))
            #expect(try fixture.session(path).state.withLock { $0.waiter != nil })
            fixture.clock.advance(by: .seconds(1))
            let answer = try await parked
            #expect(answer.status == .ok)
            #expect(answer.octets.isEmpty)
            #expect(answer.fields[.contentLength] == "0")
        }
    }

    @Test("poll-immediate: A waiting request is answered by what comes") func parkedGetsData() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            async let parked = fixture.ask(.get, path)
            try await fixture.untilParked(path)
            _ = try await fixture.post(path, "a NOOP\r\n")
            #expect(try await parked.text == "a OK NOOP completed\r\n")
        }
    }

    @Test("poll-newer-wins: A newer request ends an older one, and gets the data") func newerWins() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            async let older = fixture.ask(.get, path)
            try await fixture.untilParked(path)
            async let newer = fixture.ask(.get, path)
            #expect(try await older.octets.isEmpty)
            _ = try await fixture.post(path, "a NOOP\r\n")
            #expect(try await newer.text == "a OK NOOP completed\r\n")
        }
    }

    @Test("lost-response-requeue: What was lost with its response comes again, before everything else")
    func lostResponse() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            _ = try await fixture.post(path, "a NOOP\r\n")
            let lost = try await fixture.ask(.get, path, isWritten: false)
            #expect(lost.text == "a OK NOOP completed\r\n")
            _ = try await fixture.post(path, "b NOOP\r\n")
            let all = try await fixture.fetch(path, until: "b OK")
            #expect(all == "a OK NOOP completed\r\nb OK NOOP completed\r\n")
        }
    }

    @Test("Nothing is sent to a client that has hung up") func disconnect() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            let exchange = Exchange()
            async let parked = fixture.ask(.get, path, exchange: exchange)
            try await fixture.untilParked(path)
            exchange.disconnected()
            #expect(try await parked.octets.isEmpty)
            _ = try await fixture.post(path, "a NOOP\r\n")
            #expect(try await fixture.fetch(path, until: "a OK") == "a OK NOOP completed\r\n")
        }
    }

    @Test("Nothing is lost with a request whose client had hung up before it was looked at") func alreadyGone()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            try await waitUntil { session.state.withLock { !$0.output.isEmpty } }
            let exchange = Exchange()
            exchange.disconnected()
            #expect(try await fixture.ask(.get, path, exchange: exchange).octets.isEmpty)
            #expect(try await fixture.ask(.get, path).text.hasPrefix("* OK "))
        }
    }

    @Test("A request whose time was over before it waited does not wait", .timeLimit(.minutes(20))) func lateWait()
        async throws
    {
        try await Fixture.run { fixture in
            // The timer has gone off, and has found nobody waiting.
            let clock = fixture.clock
            var time = clock.timeSource
            let looks = Mutex(0)
            time.now = {
                // The third look at the clock is the one after opening and asking.
                let look = looks.withLock { looks in
                    looks += 1
                    return looks
                }
                return look < 3 ? .zero : .seconds(60)
            }
            let session = BridgedSession(
                owner: [],
                options: fixture.bridge.options,
                bodies: fixture.bridge.bodies,
                time: time
            )
            let received = try await session.receive(BridgedSession.Demand(), exchange: Exchange())
            #expect(received == .nothing)
        }
    }

    @Test("Octets while a response is being written wait for its fate") func lentOctets() async throws {
        try await Fixture.run { fixture in
            let session = fixture.makeSession()
            _ = try session.connect(HTTPClient.test.peer)
            try await session.deliver([1, 2])
            let lost = try #require(try await session.lend())
            #expect(lost.octets == [1, 2])
            try await session.deliver([3])
            async let next = session.fetch()
            try await waitUntil { session.state.withLock { $0.waiter != nil } }
            session.settle(lost, isDelivered: false)
            #expect(try await next == [1, 2, 3])
        }
    }

    @Test(
        "charset-echo: Responses are labelled with the character set of the URL, as it was written",
        arguments: [
            ("utf-8", "text/plain; charset=utf-8"), ("ISO-8859-1", "text/plain; charset=ISO-8859-1"),
            ("x-User_defined.1:2+3", "text/plain; charset=x-User_defined.1:2+3"),
            ("binary", "application/octet-stream"),
        ]
    )
    func charset(name: String, type: String) async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let answer = try await fixture.ask(.get, "\(path)/\(name)")
            #expect(answer.fields[.contentType] == type)
        }
    }

    @Test(
        "charset-injection-400: What is no character set, or UTF-7, is refused",
        arguments: [
            "a%0d%0ab", "a;b", "%22", "utf-7", "UTF7", "unicode-1-1-utf-7", "utf-8%20",
            String(repeating: "a", count: 41),
            "ü",
        ]
    )
    func charsetInjection(name: String) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.get, "\(try await fixture.open())/\(name)")
            #expect(answer.status == .badRequest)
            #expect(answer.error == "bad-charset")
            #expect(!answer.text.contains(name))
        }
    }

    @Test("charset-utf8-boundary: With UTF-8 half a character waits for its other half, until the timeout") func utf8()
        async throws
    {
        try await Fixture.run { fixture in
            let session = fixture.makeSession()
            try await session.deliver([0x61, 0xE2, 0x82])
            #expect(try await session.fetch(isUTF8: true) == [0x61])
            async let rest = session.fetch(isUTF8: true)
            try await waitUntil { session.state.withLock { $0.waiter != nil } }
            try await session.deliver([0xAC])
            #expect(try await rest == [0xE2, 0x82, 0xAC])
            try await session.deliver([0xE2])
            async let half = session.fetch(isUTF8: true)
            try await waitUntil { session.state.withLock { $0.waiter != nil } }
            fixture.clock.advance(by: .seconds(60))
            #expect(try await half == [0xE2])
        }
    }

    @Test(
        "Where UTF-8 may be cut",
        arguments: [
            ([], 0), ([0x61], 0), ([0xC3], 1), ([0xC3, 0xA4], 0), ([0xE2], 1), ([0xE2, 0x82], 2),
            ([0xE2, 0x82, 0xAC], 0),
            ([0xF0, 0x9F, 0x98], 3), ([0xF0, 0x9F, 0x98, 0x80], 0), ([0x80, 0x80, 0x80], 0), ([0xFF], 0), ([0xC0], 0),
        ] as [([UInt8], Int)]
    )
    func boundary(octets: [UInt8], count: Int) {
        #expect(UTF8Boundary.incompleteCount(octets) == count)
    }

    @Test("output-bounded: A session waits while its client fetches nothing") func backpressure() async throws {
        try await Fixture.run {
            $0.outputLimit = 10
        } _: { fixture in
            let session = fixture.makeSession()
            try await session.deliver(Array(repeating: 1, count: 8))
            async let blocked: Void = session.deliver([2, 2, 2])
            try await waitUntil { session.state.withLock { $0.writer != nil } }
            #expect(try await session.fetch() == Array(repeating: 1, count: 8))
            try await blocked
            #expect(try await session.fetch() == [2, 2, 2])
        }
    }

    @Test("output-bounded: At the end of the process there is room for a farewell, and not for everything")
    func shutdownBackpressure() async throws {
        try await Fixture.run {
            $0.outputLimit = 10
        } _: { fixture in
            let session = fixture.makeSession()
            try await session.deliver(Array(repeating: 1, count: 8))
            session.shutDown()
            try await session.deliver(Array(repeating: 2, count: 64 * 1024))
            async let blocked: Void = session.deliver([3, 3, 3])
            try await waitUntil { session.state.withLock { $0.writer != nil } }
            #expect(try await session.fetch()?.count == 64 * 1024 + 8)
            try await blocked
            #expect(try await session.fetch() == [3, 3, 3])
        }
    }

    @Test("unsolicited-EXISTS-by-poll: New messages are told through IDLE") func idle() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            _ = try await fixture.post(path, "b SELECT INBOX\r\nc IDLE\r\n")
            _ = try await fixture.fetch(path, until: "+ idling\r\n")
            async let parked = fixture.ask(.get, path)
            try await fixture.untilParked(path)
            let other = try await fixture.logIn()
            _ = try await fixture.post(other, "b APPEND INBOX {18+}\r\nSubject: hi\r\n\r\nho\n\r\n")
            #expect(try await fixture.fetch(other, until: "b ").contains("b OK"))
            #expect(try await parked.text.contains("* 1 EXISTS\r\n"))
        }
    }
}

extension Fixture {
    func session(_ path: String) throws -> BridgedSession {
        let id = try #require(ConnectionID(path.split(separator: "/").last ?? ""))
        let caller = SessionLock.Caller(address: try HTTPClient.test.address.countingKey)
        return try self.bridge.table.session(id, for: caller, at: self.clock.now)
    }

    /// Waits until a request for data of the connection is parked.
    func untilParked(_ path: String) async throws {
        let session = try self.session(path)
        try await waitUntil { session.state.withLock { $0.waiter != nil } }
    }

    /// A connection without an IMAP session.
    func makeSession() -> BridgedSession {
        BridgedSession(
            owner: [],
            options: self.bridge.options,
            bodies: self.bridge.bodies,
            time: self.clock.timeSource
        )
    }
}

extension BridgedSession {
    /// Asks for what there is; nil if that is nothing.
    func lend(isUTF8: Bool = false, unitLimit: Int = 0) async throws -> OutputWindow.Loan? {
        let rules = OutputWindow.Rules(isUTF8: isUTF8, unitLimit: unitLimit)
        guard case .octets(let loan) = try await self.receive(Demand(rules: rules), exchange: Exchange()) else {
            return nil
        }
        return loan
    }

    /// The same, in a response that was written.
    func fetch(isUTF8: Bool = false, unitLimit: Int = 0) async throws -> [UInt8]? {
        guard let loan = try await self.lend(isUTF8: isUTF8, unitLimit: unitLimit) else { return nil }
        self.settle(loan, isDelivered: true)
        return loan.octets
    }
}

extension HTTPClient {
    /// The client of ``RequestOrigin/local``.
    static var test: HTTPClient {
        get throws { try #require(HTTPClient(.local, fields: [:], trustedProxies: NetworkList())) }
    }
}
