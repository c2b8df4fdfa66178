// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Every command of the operator's, as typed, for people and for programs.
    @Suite("Operators' commands", .serialized) struct OperatorTests {
        /// A command that succeeds, and what people and programs are told.
        private struct Step {
            let words: [String]
            var input = ""
            let sentence: String
            let json: String

            init(_ line: String, input: String = "", sentence: String, json: String) {
                self.words = line.split(separator: " ").map(String.init)
                self.input = input
                self.sentence = sentence
                self.json = json
            }
        }

        /// In an order in which all of them can be done, twice.
        private static let steps = [
            Step(
                "check-config",
                sentence: "hostname: mail.example.org  # line 1",
                json: #""hostname":"mail.example.org""#
            ),
            Step("domain add example.net", sentence: "example.net", json: #"{"domain":"example.net"}"#),
            Step("domain list", sentence: "example.net", json: #"{"domain":"example.net","tags":true}"#),
            Step(
                "domain tags example.net off",
                sentence: "Addresses at example.net have no +tags now.",
                json: #"{"domain":"example.net","tags":false}"#
            ),
            Step(
                "account add bob@example.net",
                input: "bob's own secret\n",
                sentence: "bob@example.net has mail here now, and logs in with that name.",
                json: #"{"address":"bob@example.net"}"#
            ),
            Step("account list", sentence: "bob@example.net", json: #"{"address":"bob@example.net"}"#),
            Step(
                "account password bob@example.net",
                input: "another secret\n",
                sentence: "bob@example.net has a new password.",
                json: #"{"address":"bob@example.net"}"#
            ),
            Step(
                "token add bob@example.net --scope read --name backup",
                sentence: "of bob@example.net. It is not shown again.",
                json: #"{"account":"bob@example.net","id":"#
            ),
            Step("token list", sentence: "backup  read", json: #""name":"backup","scopes":["read"]"#),
            Step("account quota bob@example.net --messages 10", sentence: "10", json: "10"),
            Step("alias add info@example.net bob@example.net", sentence: "info@example.net", json: "info@example.net"),
            Step("alias list", sentence: "info@example.net", json: #""alias":"info@example.net""#),
            Step(
                "dkim add example.net --selector one",
                sentence: "letterhouse dkim start example.net one-rsa",
                json: #""selector":"one-rsa""#
            ),
            Step("dkim list", sentence: "one-ed25519", json: #""selector":"one-ed25519","signs":false"#),
            Step(
                "dkim show example.net",
                sentence: "one-rsa._domainkey.example.net. IN TXT ( \"v=DKIM1; k=rsa; h=sha256; p=",
                json: #""name":"one-rsa._domainkey.example.net""#
            ),
            Step(
                "dkim start example.net one-rsa",
                sentence: "Mail of example.net is signed with one-rsa now.",
                json: #"{"domain":"example.net","selector":"one-rsa"}"#
            ),
            Step(
                "dkim remove example.net one-rsa",
                sentence: "The key one-rsa of example.net is removed.",
                json: #"{"domain":"example.net","selector":"one-rsa"}"#
            ),
            Step("queue list", sentence: "Nothing waits.", json: "[]"),
            Step("queue retry", sentence: "0 messages are due now.", json: #"{"due":0}"#),
            Step("verify", sentence: "The store is as it must be.", json: #"{"problems":[]}"#),
            Step("alias remove info@example.net", sentence: "info@example.net", json: "info@example.net"),
            Step(
                "account remove bob@example.net",
                sentence: "bob@example.net and its mail are removed.",
                json: #"{"address":"bob@example.net"}"#
            ),
            Step("domain remove example.net", sentence: "example.net", json: #"{"domain":"example.net"}"#),
        ]

        /// Those that have tests of their own.
        private static let others = [
            "serve", "version", "queue show", "queue hold", "queue remove", "sessions list", "sessions show", "trace",
            "reports list", "reports show", "reports send", "junk list", "junk forget", "token revoke",
        ]

        @Test(
            "Each tells people a sentence and programs one JSON value, with a server and without",
            arguments: [false, true]
        )
        func commands(isServing: Bool) async throws {
            let appliance = try await TestAppliance()
            if isServing { try await appliance.start() }
            for step in Self.steps {
                let told = try await appliance.command(step.words, input: step.input)
                #expect(told.contains(step.sentence), "\(step.words)")
                #expect(told.hasSuffix("\n"))
            }
            for step in Self.steps {
                let told = try await appliance.command(step.words + ["--json"], input: step.input)
                #expect(told.contains(step.json), "\(step.words)")
                _ = try JSONSerialization.jsonObject(with: Data(told.utf8), options: .fragmentsAllowed)
            }
            if isServing { try await appliance.stop() }
        }

        @Test("A token opens its account over HTTP until it is revoked") func tokens() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let words = ["token", "add", TestAppliance.address, "--scope", "read"]
            let token = try #require(try await appliance.command(words).split(separator: "\n").first)
            func status() async throws -> String {
                let url = "http://127.0.0.1:\(appliance.port("http"))/store/v1/\(TestAppliance.address)"
                let field = ["--header", "Authorization: Bearer \(token)"]
                return try await Program.succeed(
                    "curl",
                    ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", url] + field
                )
            }
            #expect(try await status() == "200")
            #expect(try await appliance.command(["token", "revoke", "1"]).contains("1"))
            #expect(try await status() == "401")
            #expect(try await appliance.stop() == 0)
            #expect(!appliance.log.contains(token))
        }

        @Test("version needs no settings") func version() async throws {
            #expect(try await Program.succeed(TestAppliance.program, ["version"]).hasPrefix("letterhouse "))
        }

        @Test("Every command is run by a test") func completeness() throws {
            let text = try String(
                contentsOfFile: TestAppliance.checkout + "/Sources/letterhouse/Docs.docc/Commands.md",
                encoding: .utf8
            )
            let commands = text.matches(of: #/(?m)^\| `letterhouse ([^`]*)` \|/#).map { match in
                match.1.split(separator: " ").prefix { $0.wholeMatch(of: #/[a-z-]+/#) != nil }.joined(separator: " ")
            }
            let run = Self.steps.map { step in
                step.words.prefix { $0.wholeMatch(of: #/[a-z][a-z-]*/#) != nil }.joined(separator: " ")
            }
            #expect(Set(commands) == Set(run + Self.others))
        }

        @Test("sessions shows who is connected, and what the client asked for") func sessions() async throws {
            let appliance = try await TestAppliance()
            let without = try await Program.run(
                TestAppliance.program,
                ["sessions", "--config", appliance.settingsFile]
            )
            #expect(without.status == 69, "\(without.output)")
            try await appliance.start()
            let wire = try appliance.imap()
            try wire.line("a OK", sending: "a SELECT INBOX\r\n")
            let list = try await appliance.command(["sessions"])
            let row = try #require(list.split(separator: "\n").first { $0.contains(TestAppliance.address) })
            #expect(row.hasSuffix("INBOX") && row.contains("127.0.0.1"))
            let number = String(row.prefix { $0 != " " })
            let journal = try await appliance.command(["sessions", "show", number])
            #expect(journal.contains("LOGIN") && journal.contains("SELECT"))
            #expect(!journal.contains("secret"))
            let json = try await appliance.command(["sessions", "show", number, "--json"])
            _ = try JSONSerialization.jsonObject(with: Data(json.utf8))
            try await appliance.stop()
        }

        @Test("verify of a damaged store says what is wrong, and ends with 65", arguments: [false, true])
        func damage(isServing: Bool) async throws {
            let appliance = try await TestAppliance()
            if isServing { try await appliance.start() }
            try await Program.succeed(
                "python3",
                [
                    "-c",
                    """
                    import sqlite3, sys
                    with sqlite3.connect(sys.argv[1], timeout=20) as c:
                        c.execute("UPDATE mailbox SET messages = messages + 1 WHERE name = 'INBOX'")
                    c.close()
                    """, appliance.folder + "/data/mail.db",
                ]
            )
            let result = try await Program.run(TestAppliance.program, ["verify", "--config", appliance.settingsFile])
            #expect(result.status == 65)
            #expect(result.output.contains("its counters are what there is to count"), "\(result.output)")
            #expect(result.output.contains("2 things are wrong with the store"), "\(result.output)")
            if isServing { try await appliance.stop() }
        }

        @Test("A password is asked for twice on the terminal, and not shown") func prompt() async throws {
            let appliance = try await TestAppliance()
            let command =
                "\(TestAppliance.program) account password \(TestAppliance.address) --config \(appliance.settingsFile)"
            try await Terminal.run("\(command); echo ended with $?; cat", in: appliance.folder) { terminal in
                try await terminal.shows("Password:")
                try await terminal.type("a new secret", "Enter")
                try await terminal.shows("The same again:")
                try await terminal.type("another secret", "Enter")
                try await terminal.shows("the two passwords differ; try again")
                try await terminal.shows("ended with 65")
            }
            try await Terminal.run("\(command); echo ended with $?; cat", in: appliance.folder) { terminal in
                try await terminal.shows("Password:")
                try await terminal.type("a new secret", "Enter")
                try await terminal.shows("The same again:")
                try await terminal.type("a new secret", "Enter")
                try await terminal.shows("has a new password.")
                #expect(try await !terminal.screen.contains("a new secret"))
            }
            try await appliance.start()
            let wire = try Wire(port: appliance.port("imap"))
            try wire.line("a OK", sending: "a LOGIN \(TestAppliance.address) \"a new secret\"\r\n")
            try await appliance.stop()
        }
    }
}
