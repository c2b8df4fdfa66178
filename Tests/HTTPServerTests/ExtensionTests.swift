// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: what clients of the original do not need", .timeLimit(.minutes(20))) struct ExtensionTests {
    // MARK: Closing

    @Test("close-delete, close-query: the client can close; what it has sent is done", arguments: [true, false])
    func close(isDelete: Bool) async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            let message = "Subject: x\r\n\r\nx\r\n"
            _ = try await fixture.post(path, "b APPEND INBOX {\(message.utf8.count)+}\r\n\(message)\r\n")
            let closed =
                try await isDelete ? fixture.ask(.delete, path) : fixture.ask(.post, path + "?close=1")
            #expect(closed.status == .noContent)
            #expect(closed.octets.isEmpty)
            #expect(closed.fields[.contentLength] == nil)
            let refused = [
                try await fixture.ask(.get, path), try await fixture.post(path, "c NOOP\r\n"),
                try await fixture.ask(.delete, path),
            ]
            for answer in refused { #expect(answer.error == "closed") }
            try await waitUntil { fixture.bridge.table.count == 0 }
            #expect(try await fixture.inboxCount() == 1)
            #expect(try await fixture.ask(.get, path).error == "closed")
        }
    }

    @Test("close-answers-poll: a request that waits gets what is left first, or hears that it was closed")
    func closeAnswersPoll() async throws {
        try await Fixture.run { fixture in
            let session = fixture.makeSession()
            try await session.deliver([0x61, 0xE2])
            #expect(try await session.fetch(isUTF8: true) == [0x61])
            async let parked = session.fetch(isUTF8: true)
            try await waitUntil { session.state.withLock { $0.waiter != nil } }
            try session.close()
            #expect(try await parked == [0xE2])
            // The session may say what it likes.
            try await session.deliver([1])
            #expect(throws: HTTPRefusal.closed) { try session.close() }

            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            async let empty = fixture.ask(.get, path)
            try await fixture.untilParked(path)
            _ = try await fixture.ask(.delete, path)
            #expect(try await empty.error == "closed")
        }
    }

    @Test("Closing needs no body, and takes none") func closeWithBody() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            #expect(try await fixture.post(path + "?close=1", "a LOGOUT\r\n").error == "bad-body")
            let body = RequestBody(buffer: ByteBuffer(string: "x"))
            #expect(try await fixture.ask(.delete, path, body).error == "bad-body")
            #expect(try await fixture.ask(.get, path + "?close=1").text.hasPrefix("* OK "))
            #expect(try await fixture.post(path + "?close=0", "a NOOP\r\n").status == .ok)
            try await waitUntil { fixture.bridge.bodies.usedCount == 0 }
        }
    }

    // MARK: Waiting, and how much

    @Test("wait: a request waits as long as its client says") func wait() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            #expect(try await fixture.ask(.get, path, fields: [.bridgeWait: "0"]).octets.isEmpty)
            async let parked = fixture.ask(.get, path, fields: [.bridgeWait: "5"])
            try await fixture.untilParked(path)
            fixture.clock.advance(by: .seconds(5))
            let answer = try await parked
            #expect(answer.status == .ok)
            #expect(answer.octets.isEmpty)
            #expect(answer.fields[.bridgeOffset] == nil)
        }
    }

    @Test("wait: who waits for a short time does not get half a character before its time") func shortWait()
        async throws
    {
        try await Fixture.run { fixture in
            let session = fixture.makeSession()
            try await session.deliver([0xE2])
            let demand = BridgedSession.Demand(rules: .init(isUTF8: true), wait: .zero)
            let early = try await session.receive(demand, exchange: Exchange())
            #expect(early == .nothing)
            fixture.clock.advance(by: .seconds(60))
            guard case .octets(let loan) = try await session.receive(demand, exchange: Exchange()) else {
                Issue.record("nothing came")
                return
            }
            #expect(loan.octets == [0xE2])
        }
    }

    @Test("max: a response has as many octets as the client wants, and the rest comes after") func maximum()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let all = try await fixture.ask(.get, path, isWritten: false)
            var (text, last) = ("", -1)
            while text.utf8.count < all.octets.count {
                let answer = try await fixture.ask(.get, path, fields: [.bridgeMax: "7", .bridgeWait: "0"])
                #expect(1...7 ~= answer.octets.count)
                #expect(answer.fields[.bridgeOffset] == "\(last + 1)-\(last + answer.octets.count)")
                last += answer.octets.count
                text += answer.text
            }
            #expect(text == all.text)
        }
    }

    @Test("units: a response of IMAP is not cut, whatever it is written in") func units() async throws {
        try await Fixture.run { fixture in
            let session = fixture.makeSession()
            try await session.deliver(Array("* 1 EXISTS\r\n* 1 FE".utf8))
            #expect(try await session.fetch(unitLimit: 100) == Array("* 1 EXISTS\r\n".utf8))
            async let rest = session.fetch(unitLimit: 100)
            try await waitUntil { session.state.withLock { $0.waiter != nil } }
            try await session.deliver(Array("TCH ()".utf8))
            #expect(session.state.withLock { $0.waiter != nil })
            try await session.deliver(Array("\r\n".utf8))
            #expect(try await rest == Array("* 1 FETCH ()\r\n".utf8))
        }
    }

    @Test("units: what is not complete comes when the session waits for room, or has ended") func unitsDoNotBlock()
        async throws
    {
        try await Fixture.run {
            $0.outputLimit = 10
        } _: { fixture in
            let session = fixture.makeSession()
            try await session.deliver(Array("* 1 FET".utf8))
            async let first = session.fetch(unitLimit: 100)
            try await waitUntil { session.state.withLock { $0.waiter != nil } }
            async let blocked: Void = session.deliver(Array("CH ()".utf8))
            #expect(try await first == Array("* 1 FET".utf8))
            try await blocked
            async let second = session.fetch(unitLimit: 100)
            // The rest of a response that was begun is not held back.
            #expect(try await second == Array("CH ()".utf8))
            session.end()
            #expect(try await session.fetch(unitLimit: 100) == nil)
        }
    }

    @Test(
        "Fields of the bridge that are not as they should be",
        arguments: [
            ("Bridge-Wait", "61"), ("Bridge-Wait", "-1"), ("Bridge-Wait", ""), ("Bridge-Wait", "1.5"),
            ("Bridge-Max", "0"),
            ("Bridge-Max", "x"), ("Bridge-Ack", "+1"), ("Bridge-Ack", "1234567890123456789"), ("Bridge-Seq", "0"),
            ("Bridge-Seq", "1, 2"), ("Bridge-Raw", "2"), ("Bridge-Raw", "yes"),
        ]
    )
    func badFields(name: String, value: String) async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let field = try #require(HTTPField.Name(name))
            let answer = try await fixture.ask(.get, path, fields: [field: value])
            #expect(answer.status == .badRequest)
            #expect(answer.error == "bad-field")
            // It has not ended anything.
            #expect(try await fixture.ask(.get, path).text.hasPrefix("* OK "))
        }
    }

    // MARK: Acknowledging

    @Test("ack-resend: what was written and lost comes again when the client does not acknowledge it") func resend()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let first = try await fixture.ask(.get, path, fields: [.bridgeAck: "0"])
            #expect(first.fields[.bridgeOffset] == "0-\(first.octets.count - 1)")
            let again = try await fixture.ask(.get, path, fields: [.bridgeAck: "2"])
            #expect(again.octets == Array(first.octets.dropFirst(2)))
            #expect(again.fields[.bridgeOffset] == "2-\(first.octets.count - 1)")
            _ = try await fixture.post(path, "a LOGOUT\r\n")
            var (text, place) = ("", first.octets.count)
            while !text.contains("a OK") {
                let answer = try await fixture.ask(.get, path, fields: [.bridgeAck: "\(place)"])
                try #require(answer.status == .ok)
                text += answer.text
                place += answer.octets.count
            }
            // The end can be lost, too.
            let last = try await fixture.ask(.get, path, fields: [.bridgeAck: "\(place - 3)"])
            #expect(last.text == String(text.suffix(2)) || last.octets.count == 3)
            #expect(fixture.bridge.table.count == 1)
            #expect(try await fixture.ask(.get, path, fields: [.bridgeAck: "\(place)"]).error == "closed")
            try await waitUntil { fixture.bridge.table.count == 0 }
        }
    }

    @Test("ack-window: outside of what is kept there is nothing, and the connection stays") func ackWindow()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let answer = try await fixture.ask(.get, path, fields: [.bridgeAck: "1"])
            #expect(answer.status == .conflict)
            #expect(answer.error == "ack-window")
            let first = try await fixture.ask(.get, path, fields: [.bridgeAck: "0"])
            #expect(first.text.hasPrefix("* OK "))
            _ = try await fixture.ask(.get, path, fields: [.bridgeAck: "5", .bridgeWait: "0"])
            #expect(try await fixture.ask(.get, path, fields: [.bridgeAck: "4"]).error == "ack-window")
        }
    }

    // MARK: Numbering

    @Test("seq-reorder: bodies go in the order of their numbers, however they come") func reorder() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            async let third = fixture.post(path, "c NOOP\r\n", fields: [.bridgeSeq: "3"])
            async let second = fixture.post(path, "b NOOP\r\n", fields: [.bridgeSeq: "2"])
            let session = try fixture.session(path)
            try await waitUntil { session.state.withLock { $0.sequence.waitingCount } == 16 }
            #expect(try await fixture.post(path, "a NOOP\r\n", fields: [.bridgeSeq: "1"]).status == .ok)
            #expect(try await second.status == .ok)
            #expect(try await third.status == .ok)
            let text = try await fixture.fetch(path, until: "c OK")
            #expect(text == "a OK NOOP completed\r\nb OK NOOP completed\r\nc OK NOOP completed\r\n")
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test("seq-duplicate: a number that was sent is not sent again") func duplicate() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            for _ in 0..<3 {
                #expect(try await fixture.post(path, "a NOOP\r\n", fields: [.bridgeSeq: "1"]).status == .ok)
            }
            #expect(try await fixture.post(path, "b NOOP\r\n", fields: [.bridgeSeq: "2"]).status == .ok)
            let text = try await fixture.fetch(path, until: "b OK")
            #expect(text == "a OK NOOP completed\r\nb OK NOOP completed\r\n")
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test("seq-gap: after 10 seconds what waits is refused, and can come again") func gap() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            let session = try fixture.session(path)
            async let second = fixture.post(path, "b NOOP\r\n", fields: [.bridgeSeq: "2"])
            try await waitUntil { session.state.withLock { $0.sequence.waitingCount } == 8 }
            fixture.clock.advance(by: .seconds(10))
            let refused = try await second
            #expect(refused.status == .conflict)
            #expect(refused.error == "seq-gap")
            #expect(fixture.bridge.bodies.usedCount == 0)
            #expect(try await fixture.post(path, "q NOOP\r\n", fields: [.bridgeSeq: "17"]).error == "seq-gap")
            #expect(try await fixture.post(path, "a NOOP\r\n", fields: [.bridgeSeq: "1"]).status == .ok)
            #expect(try await fixture.post(path, "b NOOP\r\n", fields: [.bridgeSeq: "2"]).status == .ok)
            let text = try await fixture.fetch(path, until: "b OK")
            #expect(text == "a OK NOOP completed\r\nb OK NOOP completed\r\n")
        }
    }

    @Test("seq-close: what waits for a number that never comes ends with the connection") func sequenceAndClose()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            async let second = fixture.post(path, "b NOOP\r\n", fields: [.bridgeSeq: "2"])
            try await waitUntil { session.state.withLock { $0.sequence.waitingCount } == 8 }
            // The same again takes the place of the first.
            async let again = fixture.post(path, "bb NOOP\r\n", fields: [.bridgeSeq: "2"])
            #expect(try await second.error == "seq-gap")
            try await waitUntil { session.state.withLock { $0.sequence.waitingCount } == 9 }
            _ = try await fixture.ask(.delete, path)
            #expect(try await again.error == "closed")
            try await waitUntil { fixture.bridge.bodies.usedCount == 0 }
        }
    }

    @Test("seq-busy: a body that finds no room leaves its number to the next attempt") func sequenceAndBackpressure()
        async throws
    {
        try await Fixture.run {
            $0.waitingLimit = 3
        } _: { fixture in
            let session = fixture.makeSession()
            func body(_ count: Int) -> Body {
                var body = Body(owner: [])
                body.append(Array(repeating: 0x0A, count: count))
                #expect(fixture.bridge.bodies.reserve(count, of: count, for: []))
                return body
            }
            try await session.send(body(4), number: 1)
            await #expect(throws: HTTPRefusal.busy) { try await session.send(body(4), number: 2) }
            #expect(fixture.bridge.bodies.usedCount == 4)
            var connection = try session.connect(HTTPClient.test.peer)
            _ = try await connection.next()
            try await session.send(body(4), number: 2)
            #expect(session.state.withLock { $0.sequence.next } == 3)
        }
    }

    // MARK: Others

    @Test("raw: nothing is added to a body whose client wants that") func raw() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            _ = try await fixture.post(path, "a NO", fields: [.bridgeRaw: "1"])
            _ = try await fixture.post(path, "OP")
            _ = try await fixture.post(path, "\r\n")
            #expect(try await fixture.fetch(path, until: "a OK") == "a OK NOOP completed\r\n")
        }
    }

    @Test("key: with a key the ID alone is worth nothing") func key() async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.post, "/imap/", fields: [.bridgeKey: "new"])
            let key = try #require(answer.fields[.bridgeKey])
            #expect(key.wholeMatch(of: /[0-9a-f]{32}/) != nil)
            let path = "/imap/\(answer.text)"
            let wrong = String(key.reversed())
            for fields in [[:], [.bridgeKey: wrong], [.bridgeKey: "new"], [.bridgeKey: ""]] as [HTTPFields] {
                let get = try await fixture.ask(.get, path, fields: fields)
                #expect(get.status == .notFound && get.error == "no-session")
                #expect(try await fixture.ask(.delete, path, fields: fields).error == "no-session")
                #expect(try await fixture.post(path, "a LOGOUT\r\n", fields: fields).error == "no-session")
            }
            let unknown = try await fixture.ask(.get, "/imap/1")
            let foreign = try await fixture.ask(.get, path)
            #expect(unknown.octets == foreign.octets && unknown.fields == foreign.fields)
            #expect(try await fixture.ask(.get, path, fields: [.bridgeKey: key]).text.hasPrefix("* OK "))
            _ = try await fixture.ask(.delete, path, fields: [.bridgeKey: key])
            try await waitUntil { fixture.bridge.table.count == 0 }
            // Whether it was ever there is nobody else's business either.
            #expect(try await fixture.ask(.get, path).error == "no-session")
            #expect(try await fixture.ask(.get, path, fields: [.bridgeKey: key]).error == "closed")
            #expect(try await fixture.ask(.post, "/imap/", fields: [.bridgeKey: key]).error == "bad-field")
        }
    }
}
