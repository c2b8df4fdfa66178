// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailConnection
import SASLMechanisms
import SQLiteStorage
import Synchronization
import Testing

@testable import IMAPServer
@testable import letterhouse

/// Operators' commands that the server carries out.
@Suite("Control socket") struct ControlTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "control-\(UUID().uuidString)").path

    private final class Replies: Sendable {
        private let octets = Mutex<[UInt8]>([])
        func append(_ octets: [UInt8]) { self.octets.withLock { $0 += octets } }
        func decoded() throws -> [ControlReply] {
            try self.octets.withLock { $0 }.split(separator: UInt8(ascii: "\n")).map {
                try JSONLine.decode(ControlReply.self, from: $0)
            }
        }
    }

    /// What a session answers to octets, each buffer sent by itself.
    private func answer(
        _ buffers: [[UInt8]],
        server: RunningServer = RunningServer(),
        then finish: (PipeConnection<ControlNote>.Client) -> Void = { $0.close() }
    ) async throws -> [ControlReply] {
        let store = try SQLiteStore(path: self.folder + "/mail.db")
        let replies = Replies()
        let (pipe, client) = PipeConnection<ControlNote>.make(peer: Peer(address: "127.0.0.1")) { replies.append($0) }
        for buffer in buffers { client.send(buffer) }
        finish(client)
        var session = ControlSession(connection: pipe, store: store, server: server)
        try await session.run()
        try await store.close()
        return try replies.decoded()
    }

    private func answer(
        _ arguments: String,
        verifier: String? = nil,
        server: RunningServer = RunningServer()
    ) async throws -> [ControlReply] {
        let request = ControlRequest(arguments: arguments.split(separator: " ").map(String.init), verifier: verifier)
        return try await self.answer([try JSONLine.encode(request)], server: server)
    }

    private func removeFolder() { try? FileManager.default.removeItem(atPath: self.folder) }

    @Test("Domain, account, alias: added, listed, removed") func directory() async throws {
        defer { self.removeFolder() }
        let password = try #require(Password("secret"))
        let verifier = PasswordVerifier(password: password, salt: [1, 2, 3], iterations: 4096).text
        let done = ControlReply(exit: 0)
        #expect(try await self.answer("domain add Example.ORG").last == done)
        #expect(try await self.answer("account add ann@example.org", verifier: verifier).last == done)
        #expect(try await self.answer("alias add info@example.org ann@example.org").last == done)
        #expect(
            try await self.answer("alias list --json") == [
                ControlReply(out: "[{\"alias\":\"info@example.org\",\"targets\":[\"ann@example.org\"]}]\n"), done,
            ]
        )
        #expect(
            try await self.answer("domain remove example.org") == [
                ControlReply(error: "accounts or aliases are in the domain, or aliases lead there", exit: 65)
            ]
        )
        #expect(try await self.answer("alias remove info@example.org").last == done)
        #expect(try await self.answer("account remove ann@example.org").last == done)
        #expect(try await self.answer("domain remove example.org").last == done)
        #expect(try await self.answer("domain list --json") == [ControlReply(out: "[]\n"), done])
    }

    @Test(
        "What cannot be done is told with a status",
        arguments: [
            ("account add ann@example.org", "expected a password", letterhouse.ExitStatus.data),
            (
                "alias add info@example.org ann@example.org",
                "there is no domain example.org here; first: letterhouse domain add example.org", .data
            ),
            ("domain add exa_mple", "expected a domain such as example.org, in ASCII (xn--… for other letters)", .data),
            (
                "dkim add example.org --algorithm ed25519",
                "there is no domain example.org here; first: letterhouse domain add example.org", .data
            ),
            (
                "dkim add example.org --selector a.b_c!",
                "expected a selector such as 2026a: letters, digits and hyphens", .data
            ),
            ("dkim show example.org", "example.org has no keys; first: letterhouse dkim add example.org", .data),
            ("dkim start example.org a", "there is no key a._domainkey.example.org here", .data),
            ("dkim remove example.org a", "there is no key a._domainkey.example.org here", .data),
            ("queue show 7", "7 does not wait (any more); see: letterhouse queue list", .data),
            ("queue retry 7", "7 does not wait (any more); see: letterhouse queue list", .data),
            ("queue hold 7", "7 does not wait (any more); see: letterhouse queue list", .data),
            ("queue remove 7", "7 does not wait (any more); see: letterhouse queue list", .data),
            ("reports show 7", "there is no report 7 (any more); see: letterhouse reports list", .data),
            (
                "reports send", "the settings say that no reports are sent (reports.dmarc, reports.tls)", .settings
            ),
            ("sessions show 7", "there is no session 7 (any more); see: letterhouse sessions list", .data),
            ("version", "this command is not for the server", .usage),
            ("serve", "this command is not for the server", .usage),
            ("fly", "the server does not know this command; is it an older version that still runs?", .unavailable),
        ]
    )
    func refusals(arguments: String, text: String, status: letterhouse.ExitStatus) async throws {
        defer { self.removeFolder() }
        #expect(try await self.answer(arguments) == [ControlReply(error: text, exit: status.rawValue)])
    }

    @Test("R20: IMAP sessions and their last commands are shown") func sessions() async throws {
        defer { self.removeFolder() }
        let done = ControlReply(exit: 0)
        #expect(try await self.answer("sessions") == [ControlReply(out: "Nobody is connected.\n"), done])
        let server = RunningServer()
        let start: Int64 = 1_767_225_600
        let session = LiveSession(
            id: server.sessions.makeID(),
            peer: Peer(address: "2001:db8::7", port: 40_000),
            time: TimeSource(now: { .zero }, sleep: { _ in }, setAlarm: { _, _ in Alarm {} }, unixTime: { start })
        )
        server.sessions.add(session)
        session.begin(tag: "a1", SearchCommand.self, .uids)
        session.end(tag: "a1", .no)
        session.noteMistake()
        session.begin(tag: "a2", IdleCommand.self, .sequenceNumbers)
        let row = #"{"id":1,"peer":"2001:db8::7","since":"2026-01-01T00:00:00Z"}"#
        #expect(try await self.answer("sessions --json", server: server) == [ControlReply(out: "[\(row)]\n"), done])
        #expect(
            try await self.answer("sessions list --json", server: server) == [ControlReply(out: "[\(row)]\n"), done]
        )
        let commands = [
            #"{"began":"2026-01-01T00:00:00Z","command":"UID SEARCH","milliseconds":0,"result":"NO","tag":"a1"}"#,
            #"{"began":"2026-01-01T00:00:00Z","milliseconds":0,"result":"BAD"}"#,
            #"{"began":"2026-01-01T00:00:00Z","command":"IDLE","tag":"a2"}"#,
        ]
        #expect(
            try await self.answer("sessions show 1 --json", server: server).first?.out
                == "{\"commands\":[\(commands.joined(separator: ","))],\"session\":\(row)}\n"
        )
        #expect(
            try await self.answer("sessions show 1", server: server).first?.out == """
                ID  ACCOUNT  PEER         SINCE                 MAILBOX
                1   -        2001:db8::7  2026-01-01T00:00:00Z  -

                TAG  COMMAND          BEGAN                 TOOK  RESULT
                a1   UID SEARCH       2026-01-01T00:00:00Z  0 ms  NO
                -    (not a command)  2026-01-01T00:00:00Z  0 ms  BAD
                a2   IDLE             2026-01-01T00:00:00Z  -     running

                """
        )
    }

    @Test("Verifying tells how far it is, and the result") func verify() async throws {
        defer { self.removeFolder() }
        let replies = try await self.answer("verify --json")
        #expect(replies.first == ControlReply(progress: .init(done: 0, total: 1)))
        #expect(Array(replies.suffix(2)) == [ControlReply(out: "{\"problems\":[]}\n"), ControlReply(exit: 0)])
    }

    @Test("A request may come in any pieces") func pieces() async throws {
        defer { self.removeFolder() }
        let line = try JSONLine.encode(ControlRequest(arguments: ["domain", "list", "--json"]))
        let whole = try await self.answer([line])
        #expect(whole == [ControlReply(out: "[]\n"), ControlReply(exit: 0)])
        #expect(try await self.answer(line.map { [$0] }) == whole)
        #expect(try await self.answer([Array(line[..<9]), Array(line[9...])]) == whole)
    }

    @Test("What is no request changes nothing") func noRequest() async throws {
        defer { self.removeFolder() }
        #expect(try await self.answer([Array("nonsense\n".utf8)]).first?.exit == ExitStatus.software.rawValue)
        #expect(try await self.answer([Array("no line end".utf8)]) == [])
        let tooLong = [UInt8](repeating: UInt8(ascii: " "), count: ControlRequest.lengthLimit + 1)
        #expect(try await self.answer([tooLong, Array("{\"arguments\":[\"domain\",\"list\"]}\n".utf8)]) == [])
    }

    @Test("When the server stops before the request, nothing is done") func shutdown() async throws {
        defer { self.removeFolder() }
        #expect(try await self.answer([Array("{".utf8)], then: { $0.shutDown() }) == [])
    }

    @Test(
        "Addresses that can be accounts",
        arguments: [
            ("ann@example.org", "ann@example.org"), ("Ann.B+c@EXAMPLE.org", "Ann.B+c@example.org"),
            ("jürgen@example.org", "jürgen@example.org"),
        ]
    )
    func addresses(text: String, canonical: String) throws {
        #expect(try AddressArgument.checked(text) == canonical)
    }

    @Test(
        "Addresses that cannot",
        arguments: [
            "ann", "@example.org", "ann@", "a@b@c", "a b@example.org", ".a@example.org", "a..b@example.org",
            "\"a b\"@example.org", "a@[127.0.0.1]", "a@exam ple", "a\u{7}@example.org", "a\u{202E}@example.org",
            "a@-b.org", "a@b..org", String(repeating: "a", count: 65) + "@example.org",
        ]
    )
    func wrongAddresses(text: String) {
        #expect(throws: OperatorError.self) { try AddressArgument.checked(text) }
    }
}
