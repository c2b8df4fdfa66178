// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: sending") struct SendTests {
    @Test("send-empty-200: Sending is answered at once, with nothing") func empty() async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.post(try await fixture.open(), "a NOOP\r\n")
            #expect(answer.status == .ok)
            #expect(answer.octets.isEmpty)
            #expect(answer.fields[.contentLength] == "0")
        }
    }

    @Test("It does not wait for the IMAP session, whatever that does", .timeLimit(.minutes(20))) func immediate()
        async throws
    {
        try await Fixture.run {
            // Whoever does not fetch the greeting keeps the session from saying anything else.
            $0.outputLimit = 1
        } _: { fixture in
            let path = try await fixture.open()
            _ = try await fixture.post(path, "a NOOP\r\n")
            let session = try fixture.session(path)
            try await waitUntil { session.state.withLock { $0.writer != nil } }
            let answer = try await fixture.post(path, "b NOOP\r\n")
            #expect(answer.status == .ok)
            #expect(answer.octets.isEmpty)
            #expect(session.state.withLock { $0.waiting } == "b NOOP\r\n".utf8.count)
            #expect(
                try await fixture.fetch(path, until: "b OK").hasSuffix("a OK NOOP completed\r\nb OK NOOP completed\r\n")
            )
        }
    }

    @Test("verbatim-all-256-octets: All 256 octets pass unchanged, in both directions") func verbatim() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            let octets: [UInt8] = Array("Subject: x\r\n\r\n".utf8) + (1...255).map { UInt8($0) } + [0x0D, 0x0A]
            let body = Array("b APPEND INBOX {\(octets.count)+}\r\n".utf8) + octets + Array("\r\n".utf8)
            _ = try await fixture.ask(.post, path, RequestBody(buffer: ByteBuffer(bytes: body)))
            _ = try await fixture.fetch(path, until: "b OK")
            _ = try await fixture.post(path, "c SELECT INBOX\r\nd FETCH 1 BODY.PEEK[]\r\n")
            var received: [UInt8] = []
            while !String(decoding: received, as: UTF8.self).contains("d OK") {
                received += try await fixture.ask(.get, "\(path)/binary").octets
            }
            #expect(received.firstRange(of: octets) != nil)
        }
    }

    @Test("Any octet reaches the session as it is") func everyOctet() async throws {
        try await Fixture.run { fixture in
            for value in UInt8.min...UInt8.max {
                let session = fixture.makeSession()
                var connection = try session.connect(HTTPClient.test.peer)
                let body = try fixture.body([value, 0x0A])
                try session.send(body)
                guard case .octets(let octets)? = try await connection.next() else {
                    Issue.record("something else came")
                    return
                }
                #expect(octets == [value, 0x0A])
                #expect(fixture.bridge.bodies.usedCount == 0)
            }
        }
    }

    @Test("What the session does not take yet is queued, in order") func queued() async throws {
        try await Fixture.run { fixture in
            let session = fixture.makeSession()
            for number in UInt8(0)..<3 { try session.send(try fixture.body([number, 0x0A])) }
            var connection = try session.connect(HTTPClient.test.peer)
            try session.send(try fixture.body([3, 0x0A]))
            for number in UInt8(0)..<4 {
                guard case .octets([number, 0x0A])? = try await connection.next() else {
                    Issue.record("something else came")
                    return
                }
            }
        }
    }

    @Test("literal-over-two-sends: A literal may come in a request of its own") func literal() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.post(path, "a LOGIN {15}\r\n")
            _ = try await fixture.fetch(path, until: "+ ")
            // No line end is added to a literal, nor to the rest of its line.
            _ = try await fixture.post(path, "ann@example.org")
            _ = try await fixture.post(path, " secret\r\n")
            #expect(try await fixture.fetch(path, until: "a ").contains("a OK"))
        }
    }

    @Test("leniency-crlf: A command whose line end was forgotten gets one") func leniency() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            _ = try await fixture.post(path, "a NOOP")
            #expect(try await fixture.fetch(path, until: "a OK") == "a OK NOOP completed\r\n")
            _ = try await fixture.post(path, "b NO\r\nc NO")
            _ = try await fixture.post(path, "OP\r\n")
            #expect(try await fixture.fetch(path, until: "c ").contains("c OK"))
        }
    }

    @Test("cut-body-no-effect: A body that breaks off has no effect") func cutBody() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            let short = RequestBody(buffer: ByteBuffer(string: "a LOGOUT\r\n"))
            let answer = try await fixture.ask(.post, path, short, fields: [.contentLength: "20"])
            #expect(answer.error == "bad-body")
            struct Cut: Error {}
            let broken = RequestBody(
                asyncSequence: AsyncThrowingStream { continuation in
                    continuation.yield(ByteBuffer(string: "b LOGOUT\r\n"))
                    continuation.finish(throwing: Cut())
                }
            )
            #expect(try await fixture.ask(.post, path, broken).error == "bad-body")
            #expect(fixture.bridge.bodies.usedCount == 0)
            _ = try await fixture.post(path, "c NOOP\r\n")
            #expect(try await fixture.fetch(path, until: "c OK") == "c OK NOOP completed\r\n")
        }
    }

    @Test("too-big-413: What is too big is refused, and charged to nobody") func tooBig() async throws {
        try await Fixture.run {
            $0.bodyLimit = 10
        } _: { fixture in
            let path = try await fixture.open()
            #expect(try await fixture.post(path, "a NOOP 1234\r\n").status == .contentTooLarge)
            #expect(try await fixture.ask(.post, path, fields: [.contentLength: "11"]).error == "too-big")
            #expect(fixture.bridge.bodies.usedCount == 0)
            let get = try await fixture.ask(.get, path, RequestBody(buffer: ByteBuffer(string: "x")))
            #expect(get.error == "bad-body")
        }
    }

    @Test("backpressure-503: Too much that waits is refused") func busy() async throws {
        try await Fixture.run {
            $0.waitingLimit = 3
        } _: { fixture in
            let session = fixture.makeSession()
            try session.send(try fixture.body([1, 2, 3, 0x0A]))
            let second = try fixture.body([1, 2, 3, 0x0A])
            #expect(throws: HTTPRefusal.busy) { try session.send(second) }
            #expect(fixture.bridge.bodies.usedCount == 4)
            session.end()
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test(
        "Unknown methods, paths and IDs",
        arguments: [
            (HTTPRequest.Method.put, "/imap/1", 405, "method"), (.get, "/smtp/", 405, "method"),
            (.delete, "/imap/1", 404, "no-session"), (.post, "/imap/1?close=1", 404, "no-session"),
            (.get, "/elsewhere", 404, "not-found"),
            (.get, "/imap/1", 404, "no-session"),
            (.get, "/imap/xyz", 400, "bad-id"), (.get, "/imap/12345678901234567", 400, "bad-id"),
            (.get, "/imap/1/a/b", 404, "not-found"), (.head, "/imap/", 405, "method"),
            (.trace, "/imap/", 501, "method"),
        ]
    )
    func errors(method: HTTPRequest.Method, path: String, status: Int, token: String) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(method, path)
            #expect(answer.status.code == status)
            #expect(answer.error == token)
        }
    }
}

extension Fixture {
    /// A body that has been read, from the address of ``RequestOrigin/local``, and charged.
    fileprivate func body(_ octets: [UInt8]) throws -> Body {
        var body = Body(owner: try HTTPClient.test.address.countingKey)
        body.append(octets)
        #expect(self.bridge.bodies.reserve(body.count, of: body.count, for: body.owner))
        return body
    }
}

@Suite("Where a line end was forgotten") struct IMAPLinesTests {
    @Test(
        "The start of a line is found whatever the pieces",
        arguments: [
            ("", true), ("a NOOP\r\n", true), ("a NOOP\n", true), ("a NOOP", false), ("a NOOP\r", false),
            ("a LOGIN {3}\r\n", false), ("a LOGIN {3}\r\nabc", false), ("a LOGIN {3}\r\nabc\r\n", true),
            ("a LOGIN {3+}\r\n\r\n\r", false), ("a LOGIN {3+}\r\n\r\n\r x\r\n", true),
            ("a APPEND x ~{2}\r\n{}\r\n", true),
            ("a LOGIN {0}\r\n", false), ("a LOGIN {0}\r\n\r\n", true), ("a x {}\r\n", true),
            ("a x {12345678901234567890}\r\n", true),
            ("a x {3}b\r\n", true), ("a {9223372036854775807}\r\nabc\r\n", false),
        ]
    )
    func lineStart(text: String, expected: Bool) {
        let octets = Array(text.utf8)
        for cut in 0...octets.count {
            var lines = IMAPLines()
            lines.append(Array(octets[..<cut]))
            lines.append(Array(octets[cut...]))
            #expect(lines.isAtLineStart == expected, "cut at \(cut)")
        }
        var lines = IMAPLines()
        for octet in octets { lines.append([octet]) }
        #expect(lines.isAtLineStart == expected)
    }
}
