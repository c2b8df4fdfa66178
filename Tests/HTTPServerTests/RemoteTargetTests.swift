// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MailConnection
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// A server elsewhere, in memory: answers what is said to it.
private final class FakeServer: Sendable {
    private let answers: [(line: String, answer: String)]
    private let said = Mutex<[String]>([])
    let connections = Mutex(0)

    init(_ answers: [(String, String)]) { self.answers = answers.map { (line: $0.0, answer: $0.1) } }

    /// What clients have said.
    var heard: [String] { self.said.withLock { $0 } }

    var connect: RemoteTarget.Connect {
        { body in
            self.connections.withLock { $0 += 1 }
            let box = Mutex<PipeConnection<RemoteNote>.Client?>(nil)
            let (server, client) = PipeConnection<RemoteNote>.make(peer: Peer(address: "192.0.2.25")) { octets in
                let text = String(decoding: octets, as: UTF8.self)
                self.said.withLock { $0.append(text) }
                let client = box.withLock { $0 }
                for (line, answer) in self.answers where !line.isEmpty && text.hasPrefix(line) {
                    client?.send(Array(answer.utf8))
                }
                if text.hasPrefix("z ") { client?.close() }
            }
            box.withLock { $0 = client }
            client.send(Array((self.answers.first { $0.line.isEmpty }?.answer ?? "").utf8))
            try await body(server)
        }
    }
}

@Suite("Bridge: servers elsewhere", .timeLimit(.minutes(20))) struct RemoteTargetTests {
    private static let ann: HTTPFields = [.authorization: "Basic YW5uQGV4YW1wbGUub3JnOnNlY3JldA=="]

    private static func run(
        imap: RemoteTarget.Connect? = nil,
        smtp: RemoteTarget.Connect? = nil,
        _ body: (Fixture) async throws -> Void
    ) async throws {
        try await Fixture.run {
            $0.requiresLogin = true
            $0.targets = ["work": RemoteTarget(imap: imap, smtp: smtp)]
        } _: {
            try await body($0)
        }
    }

    @Test("remote-imap: octets go both ways, and the end of it is told") func imap() async throws {
        let server = FakeServer([("", "* OK elsewhere\r\n"), ("a NOOP", "a OK there\r\n"), ("z ", "* BYE\r\nz OK\r\n")])
        try await Self.run(imap: server.connect) { fixture in
            let opened = try await fixture.ask(.post, "/to/work/imap/", fields: Self.ann)
            #expect(opened.status == .ok)
            let path = "/to/work/imap/\(opened.text)"
            #expect(try await fixture.ask(.get, path, fields: Self.ann).text == "* OK elsewhere\r\n")
            #expect(try await fixture.post(path, "a NOOP\r\n", fields: Self.ann).status == .ok)
            #expect(try await fixture.ask(.get, path + "/utf-8", fields: Self.ann).text == "a OK there\r\n")
            // It is no connection to anywhere else.
            for other in ["/imap/\(opened.text)", "/to/home/imap/\(opened.text)"] {
                #expect(try await fixture.ask(.get, other, fields: Self.ann).status == .notFound)
            }
            #expect(try await fixture.post(path, "z LOGOUT\r\n", fields: Self.ann).status == .ok)
            #expect(try await fixture.ask(.get, path, fields: Self.ann).text == "* BYE\r\nz OK\r\n")
            #expect(try await fixture.ask(.get, path, fields: Self.ann).error == "closed")
            try await waitUntil { fixture.bridge.table.count == 0 && fixture.bridge.bodies.usedCount == 0 }
            #expect(server.heard == ["a NOOP\r\n", "z LOGOUT\r\n"])
        }
    }

    @Test("remote-close: closing hangs up") func close() async throws {
        let server = FakeServer([("", "* OK elsewhere\r\n")])
        try await Self.run(imap: server.connect) { fixture in
            let opened = try await fixture.ask(.post, "/to/work/imap/", fields: Self.ann)
            #expect(
                try await fixture.ask(.delete, "/to/work/imap/\(opened.text)", fields: Self.ann).status == .noContent
            )
            try await waitUntil { fixture.bridge.table.count == 0 }
        }
    }

    @Test("remote-502, remote-504: who is not there, or not who he should be, is told of") func failures() async throws
    {
        for (failure, status, token) in [
            (RemoteFailure.unreachable, 502, "connect-failed"), (.timeout, 504, "target-timeout"),
        ] {
            try await Self.run(imap: { _ in throw failure }, smtp: { _ in throw failure }) { fixture in
                let opened = try await fixture.ask(.post, "/to/work/imap/", fields: Self.ann)
                #expect(opened.status.code == status)
                #expect(opened.error == token)
                let sent = try await fixture.post("/to/work/smtp/", "QUIT\r\n", fields: Self.ann)
                #expect(sent.error == token)
                try await waitUntil { fixture.bridge.table.count == 0 }
            }
        }
    }

    @Test("remote-name: the client names a target, and nothing else; without a login nothing is told") func names()
        async throws
    {
        let server = FakeServer([("", "* OK\r\n")])
        try await Self.run(imap: server.connect) { (fixture: Fixture) async throws in
            for path in ["/to/home/imap/", "/to/imap.example.org:993/imap/", "/to/work/smtp/", "/to/home/smtp/"] {
                #expect(try await fixture.ask(.post, path, fields: Self.ann).error == "not-found")
                #expect(try await fixture.ask(.post, path).error == "login")
            }
            #expect(try await fixture.ask(.post, "/to/work/imap/").error == "login")
            #expect(server.connections.withLock { $0 } == 0)
        }
    }

    @Test("remote-smtp: a batch is played elsewhere") func smtp() async throws {
        let server = FakeServer([("", "220 elsewhere\r\n"), ("NOOP", "250 OK\r\n"), ("RSET", "550 no\r\n")])
        try await Self.run(smtp: server.connect) { fixture in
            let answer = try await fixture.post("/to/work/smtp/", "NOOP\r\nRSET\r\nNOOP\r\n", fields: Self.ann)
            #expect(answer.text == "220 elsewhere\r\n250 OK\r\n550 no\r\n")
            #expect(answer.fields[.bridgeSMTPDone] == "1/3")
            #expect(server.heard == ["NOOP\r\n", "RSET\r\n"])
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    // MARK: Servers that do nothing

    private static let silent: RemoteTarget.Connect = { _ in try await Task.sleep(for: .seconds(86_400)) }

    @Test(
        "remote-silent: a server that does not answer delays neither the end of the process nor that of a request",
        arguments: [true, false]
    )
    func silentServer(isShutdown: Bool) async throws {
        try await Self.run(imap: Self.silent) { fixture in
            let opening = Task { try await fixture.ask(.post, "/to/work/imap/", fields: Self.ann).error }
            try await waitUntil { fixture.bridge.table.count == 1 }
            if isShutdown { fixture.bridge.shutDown() } else { opening.cancel() }
            try await waitUntil {
                fixture.clock.advance(by: .seconds(1))
                return fixture.bridge.table.count == 0
            }
            #expect(try await opening.value == (isShutdown ? "connect-failed" : "shutting-down"))
        }
    }

    @Test("remote-stuck: a server that takes nothing does not keep the place of a connection that was closed")
    func stuckServer() async throws {
        let connect: RemoteTarget.Connect = { body in
            let (server, client) = PipeConnection<RemoteNote>.make(peer: Peer(address: "192.0.2.25")) { _ in
                try await Task.sleep(for: .seconds(86_400))
            }
            client.send(Array("* OK elsewhere\r\n".utf8))
            try await body(server)
        }
        try await Self.run(imap: connect) { fixture in
            let opened = try await fixture.ask(.post, "/to/work/imap/", fields: Self.ann)
            let path = "/to/work/imap/\(opened.text)"
            _ = try await fixture.post(path, "a NOOP\r\n", fields: Self.ann)
            #expect(try await fixture.ask(.delete, path, fields: Self.ann).status == .noContent)
            try await waitUntil {
                fixture.clock.advance(by: .seconds(1))
                return fixture.bridge.table.count == 0 && fixture.bridge.bodies.usedCount == 0
            }
        }
    }
}
