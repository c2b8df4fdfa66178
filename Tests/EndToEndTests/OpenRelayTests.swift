// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// RFC 5321 §7.8: whoever has not logged in cannot make the server send anything anywhere.
    @Suite("No open relay", .serialized) struct OpenRelayTests {
        private struct Question: CustomStringConvertible {
            let door: String
            /// Whether the form would do if the domain were ours; nil: servers may differ.
            let isAddress: Bool?
            let recipient: String
            let data: String
            let description: String

            init?(_ line: Substring) {
                let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                guard columns.count == 6 else { return nil }
                self.door = columns[0]
                self.isAddress = Bool(columns[3].lowercased())
                self.recipient = columns[4]
                self.data = columns[5]
                self.description = String(line)
            }
        }

        /// All forms of addresses that have opened relays, from all kinds of senders, through all doors.
        private func ask(_ appliance: TestAppliance) async throws -> [Question] {
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Support/open_relay.py")
            let ports = ["smtp", "submission", "submissions"].map { "\(appliance.port($0))" }
            return try await Program.succeed("/usr/bin/python3", [script.path] + ports, limit: .seconds(300))
                .split(separator: "\n").map { try #require(Question($0), "\($0)") }
        }

        @Test("No form of an address, no sender and no port lets mail through; if the domain were ours, it would")
        func forms() async throws {
            let appliance = try await TestAppliance(settings: "senders:\n  check: false")
            try await appliance.start()
            let questions = try await self.ask(appliance)
            #expect(questions.count == 4 * 4 * 32)
            for question in questions {
                #expect(question.recipient.hasPrefix("5"), "\(question)")
                #expect(question.data.hasPrefix("5"), "\(question)")
            }
            #expect(try await appliance.command(["queue", "list"]) == "Nothing waits.\n")
            #expect(try await !appliance.curl("INBOX?ALL").contains("1"))

            // The same questions where all of it is ours: what is an address is taken on port 25, and still nothing leaves.
            try await appliance.command(["domain", "add", "example.net"])
            for domain in ["example.org", "example.net"] {
                try await appliance.command(["alias", "add", "*@\(domain)", TestAppliance.address])
            }
            let answered = try await self.ask(appliance)
            for question in answered where question.isAddress != nil {
                let isTaken = question.door.hasPrefix("25") && question.isAddress == true
                #expect(question.data.hasPrefix(isTaken ? "250 " : "5"), "\(question)")
            }
            #expect(try await appliance.command(["queue", "list"]) == "Nothing waits.\n")
            try await appliance.stop()
            try await appliance.verify()
        }

        @Test("Who has logged in sends in no other's name", arguments: ["submission", "submissions"])
        func names(_ service: String) async throws {
            let appliance = try await TestAppliance()
            try await appliance.command(["account", "add", "bob@example.org"], input: "another secret\n")
            try await appliance.start()
            for (sender, code) in [
                ("bob@example.org", "553 5.7.1"), ("postmaster@example.org", "553 5.7.1"),
                ("ann@example.net", "553 5.7.1"), ("ann@example.org", "250 2.1.0"),
            ] {
                let result = try await Program.run(
                    "swaks",
                    [
                        "--server", "127.0.0.1:\(appliance.port(service))",
                        service == "submission" ? "--tls" : "--tls-on-connect", "--auth", "PLAIN", "--auth-user",
                        TestAppliance.address, "--auth-password", TestAppliance.password, "--from", sender, "--to",
                        "fred@example.net", "--quit-after", "MAIL",
                    ]
                )
                #expect(result.output.contains(code), "\(sender): \(result.output)")
            }
            try await appliance.stop()
        }

        @Test("nmap finds no open relay, no command that tells names, and nobody's name") func nmap() async throws {
            let appliance = try await TestAppliance()
            // A name that it looks for.
            try await appliance.command(["alias", "add", "admin@example.org", TestAppliance.address])
            try await appliance.start()
            let port = "\(appliance.port("smtp"))"
            func scan(_ script: String, _ arguments: String) async throws -> String {
                try await Program.succeed(
                    "nmap",
                    [
                        "-n", "-Pn", "-p", port, "--script", "+\(script)", "--script-args", arguments, "127.0.0.1",
                    ]
                )
            }
            func relay() async throws -> String {
                try await scan(
                    "smtp-open-relay",
                    "smtp-open-relay.domain=example.com,smtp-open-relay.to=fred,smtp-open-relay.from=eve,"
                        + "smtp-open-relay.ip=127.0.0.1"
                )
            }
            let closed = try await relay()
            #expect(closed.contains("Server doesn't seem to be an open relay, all tests failed"), "\(closed)")
            // It notices what it can: a server that takes mail for that domain.
            try await appliance.command(["domain", "add", "example.com"])
            try await appliance.command(["alias", "add", "fred@example.com", TestAppliance.address])
            let open = try await relay()
            #expect(open.contains("Server is an open relay"), "\(open)")

            let commands = try await scan("smtp-commands", "smtp-commands.domain=client.example.com")
            let offered = try #require(commands.split(separator: "\n").first { $0.contains("smtp-commands:") })
            #expect(offered.contains("STARTTLS") && offered.contains("PIPELINING"), "\(offered)")
            #expect(!offered.contains("AUTH") && !offered.contains("EXPN"), "\(offered)")
            let users = try await scan(
                "smtp-enum-users",
                "smtp-enum-users.domain=example.org,smtp-enum-users.methods={VRFY,EXPN}"
            )
            #expect(users.contains("smtp-enum-users"), "\(users)")
            // It would say how and whom.
            #expect(!users.contains("VRFY, ") && !users.contains("EXPN, "), "\(users)")
            try await appliance.stop()
        }
    }
}
