// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// IMAP and SMTP wrapped in HTTP, with curl.
    @Suite("The HTTP bridge", .serialized) struct BridgeTests {
        @Test("curl logs in, fetches, waits for mail in IDLE, and sends a message by a batch") func tour() async throws
        {
            let appliance = try await TestAppliance()
            try await appliance.start()
            try await appliance.swaks(data: "Subject: over HTTP\n\nhello\n")
            let base = "http://127.0.0.1:\(appliance.port("http"))"

            func get(_ path: String) async throws -> String {
                try await Program.succeed(
                    "curl",
                    ["--silent", "--show-error", "--fail", "--max-time", "70", base + path]
                )
            }
            func post(_ path: String, _ body: String) async throws -> String {
                try await Program.succeed(
                    "curl",
                    ["--silent", "--show-error", "--fail", "--max-time", "70", "--data-binary", "@-", base + path],
                    input: body
                )
            }
            /// Polls until `end` has come.
            func receive(_ id: String, until end: String) async throws -> String {
                var all = ""
                while !all.contains(end) { all += try await get("/imap/\(id)/utf-8") }
                return all
            }

            let id = try await get("/imap/")
            #expect(id.wholeMatch(of: /[0-9a-f]{1,16}/) != nil)
            #expect(try await receive(id, until: "\r\n").hasPrefix("* OK"))
            #expect(
                try await post("/imap/\(id)", "a LOGIN \(TestAppliance.address) \"\(TestAppliance.password)\"\r\n")
                    == ""
            )
            #expect(try await receive(id, until: "a OK").contains("a OK"))
            _ = try await post("/imap/\(id)", "b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n")
            #expect(try await receive(id, until: "c OK").contains("Subject: over HTTP"))
            _ = try await post("/imap/\(id)", "d IDLE\r\n")
            #expect(try await receive(id, until: "+ ").contains("+ "))

            let credentials = Data("\0\(TestAppliance.address)\0\(TestAppliance.password)".utf8).base64EncodedString()
            let replies = try await post(
                "/smtp/",
                """
                EHLO browser.example.net
                AUTH PLAIN \(credentials)
                MAIL FROM:<\(TestAppliance.address)>
                RCPT TO:<\(TestAppliance.address)>
                DATA
                Subject: sent by HTTP

                hello
                .
                QUIT

                """.replacing("\n", with: "\r\n")
            )
            let lines = replies.split(separator: "\r\n").filter { $0.dropFirst(3).first != "-" }
            #expect(
                lines.map { String($0.prefix(3)) } == ["220", "250", "235", "250", "250", "354", "250", "221"],
                "\(replies)"
            )
            #expect(try await receive(id, until: "EXISTS").contains("* 2 EXISTS"))
            _ = try await post("/imap/\(id)", "DONE\r\ne LOGOUT\r\n")
            #expect(try await receive(id, until: "e OK").contains("* BYE"))
            try await appliance.stop()
        }

        @Test("curl reaches a server elsewhere by its name in the settings, and one without a good certificate not")
        func elsewhere() async throws {
            let other = try await TestAppliance()
            try await other.start()
            let appliance = try await TestAppliance(
                settings: """
                    http:
                      require-login: true
                      targets:
                        - work imap=127.0.0.1:\(other.port("imaps")) smtp=127.0.0.1:\(other.port("submissions"))
                        - clear imap=127.0.0.1:\(other.port("imap"))
                    """
            )
            try await appliance.start(environment: ["SSL_CERT_FILE": other.certificate])
            let base = "http://127.0.0.1:\(appliance.port("http"))"
            let login = "\(TestAppliance.address):\(TestAppliance.password)"

            func curl(_ path: String, _ options: [String] = []) async throws -> String {
                try await Program.succeed(
                    "curl",
                    ["--silent", "--show-error", "--max-time", "70", "--user", login] + options + [base + path]
                )
            }

            let id = try await curl("/to/work/imap/")
            #expect(id.wholeMatch(of: /[0-9a-f]{16}/) != nil, "\(id)")
            #expect(try await curl("/to/work/imap/\(id)").hasPrefix("* OK"))
            _ = try await curl("/to/work/imap/\(id)", ["--data-binary", "a LOGOUT"])
            var text = ""
            while !text.contains("a OK") { text += try await curl("/to/work/imap/\(id)") }
            #expect(text.contains("* BYE"))
            let replies = try await curl("/to/work/smtp/", ["--data-binary", "EHLO browser.example.net"])
            #expect(replies.contains("250"))
            let status = ["--output", "/dev/null", "--write-out", "%{http_code}"]
            #expect(try await curl("/to/clear/imap/", status) == "502")
            #expect(try await curl("/to/nowhere/imap/", status) == "404")
            try await appliance.stop()
            // Nobody vouches for it now.
            try await appliance.start()
            #expect(try await curl("/to/work/imap/", status) == "502")
            #expect(try await curl("/imap/", status) == "200")
            #expect(try await Program.succeed("curl", ["--silent", base + "/imap/"] + status) == "401")
            try await appliance.stop()
            try await other.stop()
        }

        @Test("Health and metrics") func health() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let base = "http://127.0.0.1:\(appliance.port("http"))"
            #expect(try await Program.succeed("curl", ["--silent", "--fail", base + "/health"]).contains("ok"))
            let wire = try appliance.imap()
            try wire.send("a NOOP\r\n")
            try wire.line("a OK")
            let metrics = try await Program.succeed("curl", ["--silent", "--fail", base + "/metrics"])
            #expect(metrics.contains("letterhouse_imap_commands_total{command=\"NOOP\",result=\"ok\"} 1"))
            #expect(metrics.contains("letterhouse_imap_sessions 1"))
            try await appliance.stop()
        }
    }
}
