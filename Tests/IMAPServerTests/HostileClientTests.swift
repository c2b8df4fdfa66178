// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

@testable import IMAPServer

/// What one client sends to hurt the server: it is told so and lives, or is thrown out, and another's session is answered
/// before, meanwhile and afterwards.
@Suite("Hostile clients", .timeLimit(.minutes(20))) struct HostileClientTests {
    /// Runs `body` with a hostile client, and asks another one, which is logged in, around it and whenever `body` says so.
    private func with(
        messages: Int = 3,
        _ body: @Sendable (_ hostile: LiveClient, _ meanwhile: () async throws -> Void) async throws -> Void
    ) async throws {
        let fixture = try await Fixture(clock: TestClock())
        if messages > 0 { try await fixture.deliver(1...messages) }
        try await LiveClient.with(2, of: fixture.service) { clients in
            let clean = clients[1]
            try await clean.select()
            let ask = {
                clean.send("c1 FETCH 1:* UID\r\nc2 NOOP\r\n")
                let lines = try await clean.lines(to: "c2 OK")
                #expect(lines.count { $0.contains(" FETCH (UID ") && !$0.contains("FLAGS") } == messages)
            }
            try await ask()
            try await body(clients[0], ask)
            try await ask()
        }
        try await fixture.close()
    }

    private static func nested(_ command: String, _ opening: String = "(") -> String {
        command + " " + String(repeating: opening, count: 60_000 / opening.utf8.count)
    }

    @Test(
        "Parentheses without end are one wrong command",
        arguments: [
            nested("SEARCH"), nested("SEARCH NOT"), nested("SEARCH", "NOT "), nested("SEARCH", "OR ALL "),
            nested("SEARCH", "OR "), nested("UID SEARCH", "NOT ("), nested("SEARCH RETURN"), nested("SORT"),
            nested("SORT (DATE) UTF-8"), nested("THREAD REFERENCES UTF-8"), nested("ESEARCH IN"),
            nested("ESEARCH IN (mailboxes"), nested("FETCH 1"), nested("FETCH 1 BODY[HEADER.FIELDS"),
            nested("FETCH 1 BODY[", "1."), nested("FETCH 1 (UID)"), nested("STORE 1 FLAGS"), nested("STORE 1"),
            nested("LIST"), nested(#"LIST """#), nested(#"LIST "" % RETURN"#), nested("STATUS INBOX"), nested("ID"),
            nested("ENABLE"), nested("APPEND INBOX"), nested("APPEND INBOX CATENATE"), nested("SELECT INBOX"),
            nested("SELECT INBOX (QRESYNC"), nested("CREATE x"), nested("GETMETADATA"), nested("SETMETADATA INBOX"),
            nested("REPLACE 1 INBOX"), nested("SETQUOTA"), nested("GETQUOTA"),
        ]
    )
    func nesting(_ command: String) async throws {
        try await self.with { hostile, meanwhile in
            try await hostile.select()
            hostile.send("a1 " + command)
            try await meanwhile()
            hostile.send("\r\na2 NOOP\r\n")
            let lines = try await hostile.lines(to: "a2 OK")
            #expect(lines.dropLast().count { $0.hasPrefix("a1 BAD ") } == 1)
            #expect(lines.allSatisfy { $0.utf8.count < 200 })
        }
    }

    @Test(
        "So they are before login, where so long a line ends the session",
        arguments: [
            nested("LOGIN"), nested("ID"), nested("ID ("), nested("AUTHENTICATE"), nested("FETCH 1"), nested("SEARCH"),
            "ID (" + String(repeating: #""k" "v" "#, count: 100_000),
            "AUTHENTICATE PLAIN " + String(repeating: "AAAA", count: 100_000),
            String(repeating: "x", count: 1 << 20),
        ]
    )
    func beforeLogin(_ command: String) async throws {
        try await self.with { hostile, meanwhile in
            hostile.send("a1 " + command)
            try await meanwhile()
            let lines = try await hostile.lines(to: "* BYE")
            #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("a1 BAD [TOOBIG]") || $0.hasPrefix("* BYE [TOOBIG]") })
            #expect(try await hostile.received.line() == nil)
        }
    }

    @Test(
        "A set that names a message ten thousand times is answered once for each message",
        arguments: ["1:*", "*:1", "1:4294967295", "4294967295:1", "1,2,3", "3:2,2:1"]
    )
    func sets(_ range: String) async throws {
        try await self.with { hostile, meanwhile in
            try await hostile.select()
            let set = Array(repeating: range, count: 60_000 / (range.utf8.count + 1)).joined(separator: ",")
            hostile.send("a1 UID FETCH \(set) (FLAGS)\r\n")
            try await meanwhile()
            #expect(try await hostile.lines(to: "a1 OK").count { $0.contains(" FETCH (") } == 3)
            hostile.send("a2 UID SEARCH UID \(set)\r\n")
            #expect(try await hostile.lines(to: "a2 OK").contains("* SEARCH 1 2 3"))
            hostile.send("a3 UID STORE \(set) +FLAGS (\\Answered)\r\n")
            #expect(try await hostile.lines(to: "a3 OK").count { $0.contains(" FETCH (") } == 3)
            hostile.send("a4 UID COPY \(set) Archive\r\na5 STATUS Archive (MESSAGES)\r\n")
            #expect(try await hostile.lines(to: "a5 OK").contains("* STATUS Archive (MESSAGES 3)"))
        }
    }

    @Test(
        "What is no set is none",
        arguments: [
            "0", "0:*", "4294967296", "1:4294967296", "1,,2", ",1", "1,", "1:", ":1", "1:2:3", "-1", "$1", "01",
        ]
    )
    func noSets(_ set: String) async throws {
        try await self.with { hostile, _ in
            try await hostile.select()
            hostile.send("a1 FETCH \(set) UID\r\na2 NOOP\r\n")
            #expect(try await hostile.lines(to: "a2 OK").first?.hasPrefix("a1 BAD ") == true)
        }
    }

    @Test(
        "What announces no literal, or one that nobody could send, is refused before it comes",
        arguments: [
            "{4294967296}", "{9223372036854775807}", "{9223372036854775808}", "{18446744073709551616}", "{-1}", "{+10}",
            "{10++}", "{5 }", "{}", "{+}", "{5", "{0x5}", "~{4294967296}", "{99999999999999999999999999}",
        ]
    )
    func literals(_ announcement: String) async throws {
        try await self.with { hostile, _ in
            try await hostile.select()
            for (tag, command) in [("a1", "SEARCH TEXT"), ("a2", "LIST \"\""), ("a3", "FLY"), ("a4", "STATUS")] {
                hostile.send("\(tag) \(command) \(announcement)\r\n")
                let line = try await hostile.line()
                #expect(line.hasPrefix("\(tag) BAD ") || line.hasPrefix("\(tag) NO "))
            }
            hostile.send("a5 APPEND INBOX \(announcement)\r\na6 NOOP\r\n")
            let line = try #require(try await hostile.lines(to: "a6 OK").first)
            #expect(line.hasPrefix("a5 BAD ") || line.hasPrefix("a5 NO "))
        }
    }

    @Test("A literal without asking that nobody could send ends the session, and its octets are not kept")
    func endlessLiteral() async throws {
        try await self.with { hostile, meanwhile in
            try await hostile.select()
            hostile.send("a1 SEARCH TEXT {9223372036854775807+}\r\n")
            try await meanwhile()
            #expect(try await hostile.lines(to: "* BYE").contains { $0.hasPrefix("a1 BAD [TOOBIG]") })
            #expect(try await hostile.received.line() == nil)
        }
    }

    @Test("A thousand literals in one command are more than it may have, and the next command is read")
    func manyLiterals() async throws {
        try await self.with { hostile, meanwhile in
            try await hostile.select()
            hostile.send("a1 SEARCH")
            let text = String(repeating: "x", count: 10_000)
            for _ in 0..<1000 { hostile.send(" TEXT {10000+}\r\n" + text) }
            try await meanwhile()
            hostile.send("\r\na2 NOOP\r\n")
            let lines = try await hostile.lines(to: "a2 OK")
            #expect(lines.count == 2 && lines[0].hasPrefix("a1 BAD [TOOBIG]"))
        }
    }

    @Test("Who leaves an exchange, in whatever way, leaves nothing behind")
    func exchanges() async throws {
        try await self.with { hostile, meanwhile in
            _ = try await hostile.line()
            for round in 1...8 {
                for (index, response) in ["*", "LOGOUT", "====", "not base64"].enumerated() {
                    let tag = "t\(round)\(index)"
                    hostile.send("\(tag) AUTHENTICATE PLAIN\r\n")
                    #expect(try await hostile.line() == "+ ")
                    hostile.send(response + "\r\n")
                    #expect(try await hostile.line().hasPrefix("\(tag) BAD "))
                }
                hostile.send("n\(round) NOOP\r\n")
                #expect(try await hostile.line() == "n\(round) OK NOOP completed")
            }
            try await meanwhile()
            hostile.send("z AUTHENTICATE PLAIN\r\n")
            #expect(try await hostile.line() == "+ ")
            hostile.pipe.disconnect()
        }
    }

    @Test("Right and wrong commands by the thousand are answered one by one")
    func flood() async throws {
        try await self.with { hostile, meanwhile in
            try await hostile.select()
            hostile.send(String(repeating: "a FLY\r\nb NOOP\r\n\r\nc FETCH 1:* FLAGS\r\n", count: 3000) + "d NOOP\r\n")
            try await meanwhile()
            var counts: [Substring: Int] = [:]
            for line in try await hostile.lines(to: "d OK") { counts[line.prefix(1), default: 0] += 1 }
            #expect(counts == ["a": 3000, "b": 3000, "c": 3000, "*": 9000, "d": 1])
        }
    }
}
