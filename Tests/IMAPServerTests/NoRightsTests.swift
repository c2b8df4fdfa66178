// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import IMAPServer

/// RFC 4314 §6: to a user without rights a mailbox is not there, whatever he asks.
@Suite("RFC 4314 §6 Mailboxes that must not be known") struct NoRightsTests {
    /// Every command that takes a mailbox's name, which is `{}`, or what could be one.
    private static let asked: [(command: String, lines: [String])] = [
        ("SELECT", ["SELECT {}", "SELECT {} (CONDSTORE)", "SELECT {}/Below"]),
        ("EXAMINE", ["EXAMINE {}"]),
        ("CREATE", ["CREATE {}", "CREATE {}/", "CREATE {}/Below", "CREATE {}/Other", "CREATE {} (USE (\\Sent))"]),
        ("DELETE", ["DELETE {}"]),
        (
            "RENAME",
            [
                "RENAME {} Mine", "RENAME {} {}2", "RENAME {} {}/Other", "RENAME Trash {}", "RENAME Trash {}/Other",
                "RENAME INBOX {}",
            ]
        ),
        ("SUBSCRIBE", ["SUBSCRIBE {}"]),
        ("UNSUBSCRIBE", ["UNSUBSCRIBE {}"]),
        (
            "LIST",
            [
                "LIST \"\" {}", "LIST \"\" {}*", "LIST \"\" *", "LIST {} %", "LIST user/ %",
                "LIST (SUBSCRIBED) \"\" {}",
                "LIST \"\" ({} user/%) RETURN (CHILDREN MYRIGHTS)", "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" user",
                "LIST \"\" {} RETURN (STATUS (MESSAGES UNSEEN) METADATA (/shared/comment))",
            ]
        ),
        ("LSUB", ["LSUB \"\" {}", "LSUB \"\" user/%"]),
        ("STATUS", ["STATUS {} (MESSAGES UIDVALIDITY MAILBOXID)"]),
        (
            "APPEND",
            [
                "APPEND {} {4+}\r\na: b", "APPEND {} (\\Seen) {99999999}", "APPEND {} CATENATE (TEXT {4+}\r\na: b)",
                "APPEND {} CATENATE (URL \"/INBOX/;UID=1\")", "APPEND INBOX CATENATE (URL \"/{}/;UID=1\")",
            ]
        ),
        ("COPY", ["COPY 1 {}", "UID COPY 1 {}", "COPY 1 {}/Below"]),
        ("MOVE", ["MOVE 1 {}", "UID MOVE 1 {}"]),
        ("REPLACE", ["REPLACE 1 {} {4+}\r\na: b", "UID REPLACE 1 {} CATENATE (URL \"/{}/;UID=1\")"]),
        (
            "ESEARCH",
            [
                "ESEARCH IN (mailboxes {}) RETURN (COUNT) ALL", "ESEARCH IN (subtree {}) ALL",
                "ESEARCH IN (subtree-one user) ALL", "ESEARCH IN (personal subscribed) FROM sender",
            ]
        ),
        ("GETMETADATA", ["GETMETADATA {} /shared/comment", "GETMETADATA (DEPTH infinity) {} (/private /shared)"]),
        (
            "SETMETADATA",
            ["SETMETADATA {} (/private/comment \"x\")", "SETMETADATA {} (/private/specialuse \"\\\\Sent\")"]
        ),
        ("GETQUOTAROOT", ["GETQUOTAROOT {}"]),
        ("GETQUOTA", ["GETQUOTA {}", "GETQUOTA user/ann@example.org"]),
        ("SETACL", ["SETACL {} bob@example.org lr", "SETACL {} anyone +a", "SETACL {} nobody@example.org l"]),
        ("DELETEACL", ["DELETEACL {} -bob@example.org", "DELETEACL {} ann@example.org"]),
        ("GETACL", ["GETACL {}"]),
        ("LISTRIGHTS", ["LISTRIGHTS {} bob@example.org", "LISTRIGHTS {} nobody@example.org"]),
        ("MYRIGHTS", ["MYRIGHTS {}"]),
        (
            "NOTIFY",
            [
                "NOTIFY SET STATUS (mailboxes {} (MessageNew MessageExpunge FlagChange))",
                "NOTIFY SET STATUS (subtree {} (MessageNew MessageExpunge)) (personal (MailboxName))",
            ]
        ),
    ]

    /// Commands that take no mailbox's name.
    private static let others: Set<String> = [
        "CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "LOGIN", "AUTHENTICATE", "ENABLE", "ID", "NAMESPACE", "IDLE",
        "CLOSE",
        "UNSELECT", "EXPUNGE", "SEARCH", "FETCH", "STORE", "CHECK", "SORT", "THREAD", "CANCELUPDATE", "UNAUTHENTICATE",
        "COMPRESS",
    ]

    @Test("Every command is here") func isComplete() {
        let all = Set(ExtensionTable.commandNames.map { $0.hasPrefix("UID ") ? String($0.dropFirst(4)) : $0 })
        #expect(all == Self.others.union(Self.asked.map(\.command)), "add the command to one of the lists")
    }

    @Test("Without a right every answer is that for a mailbox that is not there")
    func answers() async throws {
        let fixture = try await Fixture(clock: TestClock())
        for name in ["Secret", "Secret/Below"] {
            _ = try await fixture.mail.createMailbox(named: name, specialUse: nil)
            try await fixture.deliver(1...2, to: name)
        }
        let secret = try #require(try await fixture.mail.mailbox(named: "Secret")).id
        let comment = AnnotationChange(entry: "/shared/comment", value: [1])
        try await fixture.mail.annotate(secret, with: [comment], specialUses: [.archive])
        try await fixture.store.setLimits(QuotaLimits(messages: 100, octets: 1 << 20), of: "ann@example.org")
        // Rights that somebody else has, or that are taken away again, are none.
        try await fixture.mail.setAccess(RightsChange(.replace, .all), for: "anyone", to: secret)
        try await fixture.mail.setAccess(RightsChange(.replace, .all), for: "-bob@example.org", to: secret)
        let names = [
            "user/ann@example.org/Secret", "user/ann@example.org/Nowhere", "user/nobody@example.org/Secret",
        ]
        var answers: [[String: [String]]] = []
        for name in names {
            // Each as if it were the only one: a user with a new mailbox of his own.
            let address = "bob@example.org"
            answers.append(try await self.answers(about: name, as: address, of: fixture))
        }
        for (command, lines) in Self.asked {
            for line in lines {
                let absent = try #require(answers[1][line])
                #expect(answers[0][line] == absent, "\(command): \(line)")
                #expect(answers[2][line] == absent, "\(command): \(line)")
                #expect(absent.last?.hasPrefix("t ") == true)
            }
        }
        // With rights each command answers otherwise: the above has seen what it was to see.
        try await fixture.mail.setAccess(RightsChange(.remove, [.lookup, .read]), for: "-bob@example.org", to: secret)
        let known = try await self.answers(about: names[0], as: "bob@example.org", of: fixture)
        // NOTIFY tells of mailboxes of others only while they are selected.
        for (command, lines) in Self.asked where !["UNSUBSCRIBE", "LSUB", "NOTIFY"].contains(command) {
            #expect(lines.contains { known[$0] != answers[1][$0] }, "\(command)")
        }
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    /// What each line is answered, with the name written `{}`.
    private func answers(
        about name: String,
        as address: String,
        of fixture: Fixture
    ) async throws -> [String: [String]] {
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            var answers: [String: [String]] = [:]
            client.send("l LOGIN \(address) secret\r\n")
            _ = try await client.lines(to: "l OK")
            for line in Self.asked.flatMap(\.lines) {
                client.send("s APPEND INBOX {4+}\r\nc: d\r\ns SELECT INBOX\r\n")
                _ = try await client.lines(to: "s OK [APPENDUID")
                _ = try await client.lines(to: "s OK [READ-WRITE")
                client.send("t \(line.replacing("{}", with: name))\r\n")
                answers[line] = try await client.lines(to: "t ").map { answer in
                    // Messages of his own are not what is asked about.
                    answer.replacing(name, with: "{}").replacing(#/APPENDUID \d+ \d+|\d+ EXISTS|\d+ RECENT/#, with: "…")
                }
            }
            return answers
        }
    }
}
