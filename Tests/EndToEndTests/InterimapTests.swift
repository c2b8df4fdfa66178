// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// interimap keeps two accounts the same, and asks by QRESYNC for nothing but what has changed.
    @Suite("interimap", .serialized) struct InterimapTests {
        /// What stands in a mailbox: the flags of each message, by subject.
        private func messages(of wire: Wire, in mailbox: String) throws -> [String: Set<Substring>] {
            try wire.line("m1 ", sending: "m1 EXAMINE \"\(mailbox)\"\r\n")
            try wire.send("m2 FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
            var messages: [String: Set<Substring>] = [:]
            var flags: Set<Substring> = []
            while let line = try wire.line(), !line.hasPrefix("m2 ") {
                if let match = line.firstMatch(of: /FLAGS \(([^)]*)\)/) {
                    flags = Set(match.1.split(separator: " ")).subtracting([#"\Recent"#])
                } else if line.hasPrefix("Subject: ") {
                    messages[String(line.dropFirst(9))] = flags
                }
            }
            return messages
        }

        private func append(_ subject: String, to mailbox: String, of wire: Wire) throws {
            let text = "Subject: \(subject)\r\n\r\nhello\r\n"
            try wire.line("p OK", sending: "p APPEND \"\(mailbox)\" {\(text.utf8.count)+}\r\n\(text)\r\n")
        }

        @Test("New messages, flags, deletions and new mailboxes go both ways") func bothWays() async throws {
            let appliance = try await TestAppliance()
            try await appliance.command(["account", "add", "bob@example.org"], input: TestAppliance.password + "\n")
            try await appliance.start()
            let home = appliance.folder + "/home"
            try FileManager.default.createDirectory(
                atPath: home + "/interimap",
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            func side(_ name: String, _ address: String) -> String {
                """
                [\(name)]
                type = imaps
                host = localhost
                port = \(appliance.port("imaps"))
                username = \(address)
                password = \(TestAppliance.password)
                SSL_CAfile = \(appliance.certificate)

                """
            }
            try """
            database = accounts.db
            list-mailbox = "*"

            \(side("local", TestAppliance.address))
            \(side("remote", "bob@example.org"))
            """.write(toFile: home + "/config", atomically: true, encoding: .utf8)
            func synchronize() async throws -> String {
                try await Program.succeed(
                    "interimap",
                    ["--config=\(home)/config", "--debug"],
                    environment: ["HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home]
                )
            }
            let ann = try appliance.imap()
            let bob = try Wire(port: appliance.port("imap"))
            try bob.line("* OK")
            try bob.line("login OK", sending: "login LOGIN bob@example.org \"\(TestAppliance.password)\"\r\n")
            func areTheSame(_ mailbox: String, _ expected: [String: Set<Substring>]) throws {
                #expect(try self.messages(of: ann, in: mailbox) == expected)
                #expect(try self.messages(of: bob, in: mailbox) == expected)
            }

            for number in 1...4 { try self.append("a\(number)", to: "INBOX", of: ann) }
            for number in 1...4 { try self.append("b\(number)", to: "INBOX", of: bob) }
            _ = try await synchronize()
            try areTheSame(
                "INBOX",
                ["a1": [], "a2": [], "a3": [], "a4": [], "b1": [], "b2": [], "b3": [], "b4": []]
            )

            // Each side changes and deletes what came from itself and what came from the other; and has something new.
            try ann.line("1 OK", sending: "1 SELECT INBOX\r\n")
            try ann.line("2 OK", sending: "2 STORE 1 +FLAGS (\\Flagged $Work)\r\n")
            try ann.line("3 OK", sending: "3 STORE 5 +FLAGS (\\Answered)\r\n")
            try ann.line("4 OK", sending: "4 STORE 2,6 +FLAGS (\\Deleted)\r\n")
            try ann.line("5 OK", sending: "5 EXPUNGE\r\n")
            try ann.line("6 OK", sending: "6 CREATE \"Projects/Übung\"\r\n")
            try ann.line("7 OK", sending: "7 SUBSCRIBE \"Projects/Übung\"\r\n")
            try self.append("a5", to: "Projects/Übung", of: ann)
            try bob.line("1 OK", sending: "1 SELECT INBOX\r\n")
            try bob.line("2 OK", sending: "2 STORE 3 +FLAGS (\\Seen)\r\n")
            try bob.line("3 OK", sending: "3 UID STORE 7 +FLAGS (\\Seen)\r\n")
            try bob.line("4 OK", sending: "4 UID STORE 4,8 +FLAGS (\\Deleted)\r\n")
            try bob.line("5 OK", sending: "5 UID EXPUNGE 4,8\r\n")
            try self.append("b5", to: "INBOX", of: bob)
            let expected = Set(
                try self.messages(of: ann, in: "INBOX").keys
            ).intersection(try self.messages(of: bob, in: "INBOX").keys)
            #expect(expected.count == 4)
            let output = try await synchronize()
            #expect(output.contains("(QRESYNC ("))
            #expect(output.contains("VANISHED (EARLIER)"))
            let inbox = try self.messages(of: ann, in: "INBOX")
            #expect(Set(inbox.keys) == expected.union(["b5"]))
            #expect(inbox["a1"] == [#"\Flagged"#, "$Work"])
            #expect(inbox.values.filter { $0 == [#"\Answered"#] }.count == 1)
            #expect(inbox.values.filter { $0 == [#"\Seen"#] }.count == 2)
            try areTheSame("INBOX", inbox)
            try areTheSame("Projects/&ANw-bung", ["a5": []])

            // What it appended itself it looks at once more, then there is nothing left to do.
            _ = try await synchronize()
            let rest = try await synchronize()
            #expect(!rest.contains(" SELECT "))
            try areTheSame("INBOX", inbox)
            try await appliance.stop()
            try await appliance.verify()
        }
    }
}
