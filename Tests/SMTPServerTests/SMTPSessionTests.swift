// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms
import TestSupport
import Testing

@testable import SMTPServer

/// What transcripts cannot say: before the greeting, and which reply goes out with which.
@Suite("Sessions") struct SMTPSessionTests {
    /// Runs a session whose client has sent `text` before it begins, and hangs up when it has got so many lines.
    private func run(
        _ fixture: Fixture,
        _ role: SMTPRole,
        peer: Peer = Peer(address: "192.0.2.7"),
        _ text: String,
        lines: Int
    ) async throws -> [String] {
        let received = ReceivedOctets()
        let writes = Writes()
        let service = fixture.service
        try await withThrowingTaskGroup { group in
            let (server, client) = PipeConnection<SMTPNote>.make(
                peer: peer,
                security: Transcript.security,
                deliver: { octets in
                    await writes.add(String(decoding: octets, as: UTF8.self))
                    received.append(octets)
                }
            )
            client.send(Array(text.utf8))
            group.addTask {
                defer { received.close() }
                var session = SMTPSession(connection: server, service: service, role: role)
                try await silently { try await session.run() }
            }
            for _ in 0..<lines { _ = try await received.line() }
            client.close()
            try await group.waitForAll()
        }
        return await writes.all
    }

    private actor Writes {
        private(set) var all: [String] = []
        func add(_ write: String) { self.all.append(write) }
    }

    @Test("RFC 5321 §3.1: another server that speaks before the greeting is sent away")
    func earlyTalker() async throws {
        let fixture = try await Fixture()
        let writes = try await self.run(fixture, .exchange, "EHLO client.example.com\r\n", lines: 1)
        #expect(writes == ["554 5.5.1 No SMTP service here\r\n"])
        // Our own users' programs are forgiven.
        let forgiven = try await self.run(fixture, .submission, "HELO client.example.com\r\n", lines: 2)
        #expect(forgiven == ["220 mx.example.org ESMTP Service ready\r\n", "250 mx.example.org\r\n"])
        try await fixture.close()
    }

    @Test("A client that has said everything and closed its half before the greeting is answered")
    func closedBeforeTheGreeting() async throws {
        let fixture = try await Fixture()
        let received = ReceivedOctets()
        let (server, client) = PipeConnection<SMTPNote>.make(
            peer: Peer(address: "192.0.2.7"),
            deliver: { received.append($0) }
        )
        client.send(Array("HELO client.example.com\r\nNOOP\r\n".utf8))
        client.close()
        var session = SMTPSession(connection: server, service: fixture.service, role: .submission)
        try await silently { try await session.run() }
        received.close()
        let answers = try await received.all()
        #expect(
            String(decoding: answers, as: UTF8.self)
                == "220 mx.example.org ESMTP Service ready\r\n250 mx.example.org\r\n250 2.0.0 OK\r\n"
        )
        try await fixture.close()
    }

    @Test("RFC 4954 §6: a login that is not admitted is refused for now")
    func notAdmitted() async throws {
        let fixture = try await Fixture()
        let received = ReceivedOctets()
        let (server, client) = PipeConnection<SMTPNote>.make(
            peer: Peer(address: "127.0.0.1", isLoopback: true),
            deliver: { received.append($0) }
        )
        // NUL "ann@example.org" NUL "secret"
        client.send(Array("EHLO c.example.com\r\nAUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\n".utf8))
        client.send(Array("MAIL FROM:<ann@example.org>\r\n".utf8))
        client.close()
        var session = SMTPSession(connection: server, service: fixture.service, role: .submission) { _ in false }
        try await session.run()
        received.close()
        let answers = String(decoding: try await received.all(), as: UTF8.self)
        #expect(answers.contains("\r\n454 4.7.0 "), "\(answers)")
        #expect(answers.contains("\r\n530 "))
        try await fixture.close()
    }

    @Test("The greeting waits as long as it should, and catches who does not")
    func greetingDelay() async throws {
        let fixture = try await Fixture { $0.greetingDelay = .seconds(5) }
        let received = ReceivedOctets()
        let service = fixture.service
        try await withThrowingTaskGroup { group in
            let (server, client) = PipeConnection<SMTPNote>.make(
                peer: Peer(address: "192.0.2.7"),
                deliver: { received.append($0) }
            )
            group.addTask {
                var session = SMTPSession(connection: server, service: service, role: .exchange)
                try await silently { try await session.run() }
            }
            #expect(try await fixture.clock.nextDeadline() == .seconds(5))
            #expect(received.unread.isEmpty)
            fixture.clock.advance(by: .seconds(5))
            #expect(try await received.line() == Array("220 mx.example.org ESMTP Service ready".utf8))
            client.close()
            try await group.waitForAll()
        }
        try await fixture.close()
    }

    @Test("RFC 2920 §3.2: replies to a group go out together, those to commands that end one at once")
    func groups() async throws {
        let fixture = try await Fixture()
        let writes = try await self.run(
            fixture,
            .submission,
            "RSET\r\nRSET\r\nNOOP\r\nRSET\r\nXYZZY\r\nRSET\r\n",
            lines: 7
        )
        let ok = "250 2.0.0 OK\r\n"
        #expect(
            writes == [
                "220 mx.example.org ESMTP Service ready\r\n", ok + ok + ok, ok + "500 5.5.1 Command unrecognized\r\n",
                ok,
            ]
        )
        try await fixture.close()
    }

    @Test("RFC 1047: that a message was accepted is said before the next one is begun, also in a pipeline")
    func acceptedAtOnce() async throws {
        let fixture = try await Fixture()
        let response = String(decoding: SASLEncoding.encode(Array("\0ann@example.org\0secret".utf8)), as: UTF8.self)
        let message = "MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.org>\r\nBDAT 2 LAST\r\n\r\n"
        let writes = try await self.run(
            fixture,
            .submissions,
            peer: .secure,
            "EHLO c.example\r\nAUTH PLAIN \(response)\r\n\(message)\(message)",
            lines: 17
        )
        let replies = "250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n250 2.0.0 Accepted as abababababababab\r\n"
        #expect(writes.suffix(2) == [replies, replies])
        try await fixture.close()
    }

    @Test("RFC 3207 §6: what came in clear text behind STARTTLS is dropped, wherever the octets are cut")
    func injection() async throws {
        let fixture = try await Fixture()
        let octets = "STARTTLS\r\nEHLO x\r\nNOOP\r\nQUIT\r\n"
        for cut in "STARTTLS\r\n".count...octets.count {
            let writes = try await self.run(fixture, .submission, String(octets.prefix(cut)), lines: 2)
            #expect(writes == ["220 mx.example.org ESMTP Service ready\r\n", "220 2.0.0 Ready to start TLS\r\n"])
        }
        try await fixture.close()
    }

    @Test("A message that comes behind a DATA that was refused is not taken for commands")
    func contentBehindRefusedData() async throws {
        let fixture = try await Fixture()
        let response = String(decoding: SASLEncoding.encode(Array("\0ann@example.org\0secret".utf8)), as: UTF8.self)
        // Whoever wrote the text would send in the name of whoever submits it.
        let content = "MAIL FROM:<ann@example.org>\r\nRCPT TO:<fred@example.net>\r\nDATA\r\nSubject: x\r\n.\r\n"
        for refused in ["DATA\r\n", "MAIL FROM:<ann@example.org>\r\nDATA\r\n", "DATA x\r\n"] {
            let writes = try await self.run(
                fixture,
                .submissions,
                peer: .secure,
                "EHLO c.example\r\nAUTH PLAIN \(response)\r\n\(refused)\(content)",
                lines: 12
            )
            #expect(writes.last?.split(separator: "\r\n").last?.hasPrefix("5") == true)
        }
        #expect(try await fixture.queue().isEmpty)
        // A client that sends its message too early, but is welcome to it, is understood.
        _ = try await self.run(
            fixture,
            .submissions,
            peer: .secure,
            "EHLO c.example\r\nAUTH PLAIN \(response)\r\n\(content)",
            lines: 14
        )
        #expect(try await fixture.queue().count == 1)
        try await fixture.close()
    }

    @Test("RFC 3207 §4.1: after a failed handshake nothing more is said or heard")
    func failedHandshake() async throws {
        let fixture = try await Fixture()
        let received = ReceivedOctets()
        // A pipe without TLS: the handshake fails.
        let (server, client) = PipeConnection<SMTPNote>.make(
            peer: Peer(address: "192.0.2.7"),
            deliver: { received.append($0) }
        )
        client.send(Array("STARTTLS\r\n".utf8))
        client.send(Array("NOOP\r\n".utf8))
        client.close()
        var session = SMTPSession(connection: server, service: fixture.service, role: .submission)
        try await session.run()
        received.close()
        let answers = String(decoding: try await received.all(), as: UTF8.self)
        #expect(answers == "220 mx.example.org ESMTP Service ready\r\n")
        try await fixture.close()
    }

    @Test(
        "RFC 5321 §4.4: nothing that a client says ends a line of the trace field",
        arguments: [
            "x\r\nBcc: y", "x y", "x\u{7}", "ü.example", "x)(", "x;y", String(repeating: "a.", count: 5000) + "a",
            "[1.2.3]",
        ]
    )
    func traceInjection(_ name: String) async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            client.send("EHLO \(name)\r\n")
            let reply = try await client.reply()
            guard reply.hasPrefix("250 ") else { return }
            // Text behind a name is ignored (RFC 5321 §4.1.1.1).
            #expect(name == "x y" || name.hasPrefix("x\r\n"))
            if name.hasPrefix("x\r\n") { #expect(try await client.reply().hasPrefix("500 ")) }
            try await client.begin(to: "ann@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask(".").hasPrefix("250 "))
        }
        for message in try await fixture.inbox(of: fixture.ann) {
            let lines = String(decoding: message, as: UTF8.self).split(separator: "\r\n")
            #expect(lines.map { String($0.prefix(9)) } == ["Return-Pa", "Received:", "\tby mx.ex", "\tfor <ann"])
            #expect(lines[1] == "Received: from x ([192.0.2.7])")
        }
        try await fixture.close()
    }

    @Test("RFC 3848, RFC 6531 §4.3: the trace field says how the message came")
    func protocolNames() async throws {
        let fixture = try await Fixture()
        let cases: [(SMTPRole, Peer, String, String, String)] = [
            (.exchange, Peer(address: "192.0.2.7"), "HELO", "", "with SMTP id"),
            (.exchange, .secure, "HELO", "", "with SMTP (TLSv1.3 TLS_AES_256_GCM_SHA384) id"),
            (.exchange, Peer(address: "192.0.2.7"), "EHLO", "", "with ESMTP id"),
            (.exchange, .secure, "EHLO", "", "with ESMTPS (TLSv1.3"),
            (.exchange, .secure, "EHLO", " SMTPUTF8", "with UTF8SMTPS (TLSv1.3"),
            (.submissions, .secure, "EHLO", "", "with ESMTPSA (TLSv1.3"),
            (
                .submission, Peer(address: "::1", isLoopback: true), "EHLO", "",
                "from c.example ([IPv6:::1])\r\n\tby mx.example.org with ESMTPA id"
            ),
            (.exchange, Peer(address: "::ffff:192.0.2.9"), "EHLO", "", "from c.example ([192.0.2.9])"),
        ]
        for (role, peer, hello, parameters, expected) in cases {
            let before = try await fixture.inbox(of: fixture.ann).count
            try await fixture.connect(role, peer: peer) { client in
                if role.isSubmission { try await client.logIn("ann@example.org") }
                try await client.ask("\(hello) c.example")
                try await client.ask(
                    "MAIL FROM:<\(role.isSubmission ? "ann@example.org" : "e@example.net")>\(parameters)"
                )
                try await client.ask("RCPT TO:<ann@example.org>")
                try await client.ask("DATA")
                #expect(try await client.ask(".").hasPrefix("250 "))
            }
            let text = String(decoding: try await fixture.inbox(of: fixture.ann)[before], as: UTF8.self)
            #expect(text.contains(expected), "\(text)")
        }
        try await fixture.close()
    }

    @Test("RFC 5321 §7.2: blind copies are not told")
    func blindCopies() async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("EHLO c.example")
            try await client.begin(to: "ann@example.org", "bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask(".").hasPrefix("250 "))
        }
        let text = String(decoding: try await fixture.inbox(of: fixture.ann)[0], as: UTF8.self)
        #expect(!text.contains("bob@") && !text.contains("for <"))
        try await fixture.close()
    }

    @Test(
        "RFC 5321 §4.5.3.2: the timer allows more time within a message, and less again behind it"
    )
    func contentTimeout() async throws {
        let fixture = try await Fixture()
        let clock = fixture.clock
        try await fixture.connect { client in
            #expect(try await clock.nextDeadline() == .seconds(300))
            try await client.ask("HELO c.example")
            try await client.begin(to: "ann@example.org")
            #expect(try await client.ask("DATA").hasPrefix("354 "))
            clock.advance(by: .seconds(300))
            #expect(try await clock.nextDeadline() == .seconds(600))
            #expect(try await client.ask(".").hasPrefix("250 "))
            clock.advance(by: .seconds(299))
            #expect(try await client.ask("NOOP").hasPrefix("250 "))
            clock.advance(by: .seconds(300))
            #expect(try await client.reply().hasPrefix("421 4.4.2 "))
        }
        try await fixture.close()
    }

    @Test("When the process stops, a message that does not arrive in time is not waited for")
    func shutdownInMessage() async throws {
        let fixture = try await Fixture()
        let clock = fixture.clock
        try await fixture.connect { client in
            try await client.ask("HELO c.example")
            try await client.begin(to: "ann@example.org")
            #expect(try await client.ask("DATA").hasPrefix("354 "))
            client.pipe.shutDown()
            while try await clock.nextDeadline() != .seconds(3) { await Task.yield() }
            clock.advance(by: .seconds(3))
            #expect(try await client.reply().hasPrefix("421 4.3.2 "))
        }
        try await fixture.close()
    }

    @Test("RFC 4954 §4: where AUTH is possible, lines may be long; elsewhere they may not")
    func longLines() async throws {
        let fixture = try await Fixture()
        let response = SASLEncoding.encode(Array("\0ann@example.org\0\(String(repeating: "x", count: 900))".utf8))
        let command = "AUTH PLAIN \(String(decoding: response, as: UTF8.self))"
        let padded = command + String(repeating: " ", count: 3000)
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.ask("EHLO c.example")
            #expect(try await client.ask(padded).hasPrefix("535 "))
            #expect(try await client.ask("NOOP \(String(repeating: "x", count: 13_000))").hasPrefix("500 5.5.2 "))
            #expect(try await client.ask("AUTH PLAIN").hasPrefix("334"))
            // 5.5.6 is about responses, and nothing else.
            #expect(try await client.ask(String(repeating: "x", count: 13_000)).hasPrefix("500 5.5.6 "))
            try await client.logIn("ann@example.org")
            #expect(try await client.ask(padded).hasPrefix("500 5.5.2 "))
        }
        try await fixture.connect(.exchange, peer: .secure) { client in
            let reply = try await client.ask(padded)
            #expect(reply.hasPrefix("500 5.5.2 "))
        }
        try await fixture.close()
    }
}
