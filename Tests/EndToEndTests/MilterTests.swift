// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Filters: one made by hand, opendkim, and rspamd.
    @Suite("Filters", .serialized) struct MilterTests {
        private static let login = [
            "--auth", "PLAIN", "--auth-user", TestAppliance.address, "--auth-password", TestAppliance.password, "--tls",
        ]

        /// A folder with a short path: that of a Unix socket has an end.
        private static func folder() throws -> String {
            let folder = "/tmp/letterhouse-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            return folder
        }

        private static func appliance(_ filter: String, _ more: String = "") async throws -> TestAppliance {
            let appliance = try await TestAppliance(
                settings: """
                    senders: {check: false}
                    filters: {milters: ["\(filter)"]}
                    \(more)
                    """
            )
            try await appliance.start()
            return appliance
        }

        /// Starts a filter; returns when its socket is there.
        private static func start(
            _ program: String,
            _ arguments: [String],
            socket: String
        ) async throws -> Background {
            let process = try Background(program, arguments, log: socket + ".log")
            try await eventually("the filter listens") {
                guard process.isRunning else { throw Program.Failed(description: process.output) }
                return FileManager.default.fileExists(atPath: socket)
            }
            return process
        }

        private static func script(_ name: String) -> String {
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Support/\(name)").path
        }

        private static func handmade(in folder: String) async throws -> Background {
            try await self.start(
                "/usr/bin/python3",
                [Self.script("milter.py"), folder + "/milter", folder + "/told"],
                socket: folder + "/milter"
            )
        }

        /// What swaks sees.
        private static func send(
            _ appliance: TestAppliance,
            from sender: String = "friend@example.net",
            to recipient: String = TestAppliance.address,
            fields: [String] = [],
            body: String = "Hello"
        ) async throws -> String {
            let file = appliance.folder + "/message.eml"
            try (["From: friend@example.net", "Subject: old"] + fields + ["", body]).joined(separator: "\n").write(
                toFile: file,
                atomically: true,
                encoding: .utf8
            )
            return try await Program.run(
                "swaks",
                [
                    "--server", "127.0.0.1:\(appliance.port("smtp"))", "--helo", "client.example.net", "--from", sender,
                    "--to", recipient, "--data", "@" + file,
                ]
            ).output
        }

        @Test("Every answer has its reply, and every change its effect") func handmade() async throws {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let filter = try await Self.handmade(in: folder)
            let appliance = try await Self.appliance(folder + "/milter timeout=5s")
            func replies(_ action: String) async throws -> String {
                try await Self.send(appliance, fields: ["X-Do: \(action)"])
            }
            #expect(try await replies("reject").contains("550 5.7.1 A filter refuses the message"))
            #expect(try await replies("tempfail").contains("451 4.7.1 "))
            #expect(try await replies("reply 554 5.7.7 No such words here").contains("554 5.7.7 No such words here"))
            #expect(try await replies("hangup").contains("421 4.7.0 "))
            #expect(try await replies("discard").contains("250 2.0.0 Accepted"))
            #expect(try await Self.send(appliance, from: "reject@example.net").contains("550 5.7.1 "))
            #expect(try await Self.send(appliance, from: "tempfail@example.net").contains("451 4.7.1 "))
            #expect(try await Self.send(appliance, from: "discard@example.net").contains("250 2.0.0 Accepted"))
            try await appliance.command(["alias", "add", "reject@example.org", TestAppliance.address])
            #expect(try await Self.send(appliance, to: "reject@example.org").contains("550 5.7.1 "))
            // All of that has left nothing.
            #expect(
                !(try await appliance.curl("INBOX", ["--request", "STATUS INBOX (MESSAGES)"])).contains("MESSAGES 1")
            )

            // Large enough to be in the file, not in memory.
            let line = String(repeating: "long ", count: 150)
            let body = Array(repeating: line, count: 700).joined(separator: "\n")
            let fields = [
                "X-Keep: 1", "X-Drop: one", "x-drop: two", "X-Do: change 1 Subject new", "X-Do: delete 2 X-DROP",
                "X-Do: add X-Added by the filter", "X-Do: insert 0 X-First yes", "X-Do: progress",
            ]
            let sent = try await Self.send(appliance, fields: fields, body: body)
            #expect(sent.contains("250 2.0.0 Accepted"), "\(sent)")
            let message = try await appliance.curl("INBOX;MAILINDEX=1")
            let head = try #require(message.split(separator: "\r\n\r\n").first).split(separator: "\r\n").map(
                String.init
            )
            #expect(head[0] == "Return-Path: <friend@example.net>")
            #expect(head[1...2] == ["X-First: yes", "X-Added: by the filter"])
            #expect(head[3].hasPrefix("Received: from client.example.net"))
            let own = try #require(head.firstIndex(of: "From: friend@example.net"))
            #expect(head[own...].prefix(4) == ["From: friend@example.net", "Subject: new", "X-Keep: 1", "X-Drop: one"])
            #expect(message.hasSuffix("\r\n\r\n" + body.replacing("\n", with: "\r\n") + "\r\n"))

            #expect(try await replies("quarantine looks bad").contains("250 2.0.0 Accepted"))
            let junk = try await appliance.curl("Junk;MAILINDEX=1")
            #expect(junk.hasPrefix("Return-Path: <friend@example.net>\r\nX-Quarantine-Reason: looks bad\r\n"))

            let told = try String(contentsOfFile: folder + "/told", encoding: .utf8)
            let last = try JSONDecoder().decode(
                [String].self,
                from: Data((told.split(separator: "\n").last ?? "").utf8)
            )
            #expect(last.contains { $0.hasPrefix("macros C j mail.example.org {daemon_name} exchange ") })
            #expect(last.contains { $0.hasPrefix("C [127.0.0.1] 4") })
            #expect(last.contains("H client.example.net"))
            #expect(last.contains("M <friend@example.net>") && last.contains("R <ann@example.org>"))
            #expect(last.contains("L Subject: old") && last.last == "E 7")

            // While it is away, senders have to come again.
            filter.signal(SIGKILL)
            _ = try await filter.end()
            #expect(try await Self.send(appliance).contains("451 4.3.0 A filter does not answer"))
            try await appliance.stop()
            try await appliance.verify()
        }

        @Test("Mail is taken without a filter that is down or too slow, if that is wanted", arguments: [true, false])
        func unreachable(isThere: Bool) async throws {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let filter = isThere ? try await Self.handmade(in: folder) : nil
            let appliance = try await Self.appliance(folder + "/milter timeout=1s unreachable=accept")
            #expect(try await Self.send(appliance, from: "slow@example.net").contains("250 2.0.0 Accepted"))
            #expect(try await appliance.curl("INBOX;MAILINDEX=1").contains("Subject: old"))
            try await appliance.stop()
            #expect(appliance.log.contains("Filter does not answer"))
            withExtendedLifetime(filter) {}
        }

        @Test("opendkim verifies what comes in, and takes out what only claims to be its result")
        func opendkimVerifies() async throws {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try """
            Mode v
            AuthservID filter.example.org
            AlwaysAddARHeader yes
            Socket local:\(folder)/milter
            Nameservers 127.0.0.1
            Background no
            """.write(toFile: folder + "/opendkim.conf", atomically: true, encoding: .utf8)
            let filter = try await Self.start(
                "/usr/sbin/opendkim",
                ["-f", "-x", folder + "/opendkim.conf"],
                socket: folder + "/milter"
            )
            let appliance = try await Self.appliance(folder + "/milter")
            let sent = try await Self.send(
                appliance,
                fields: ["Authentication-Results: filter.example.org; dkim=pass header.d=bank.example", "X-Last: 1"]
            )
            #expect(sent.contains("250 2.0.0 Accepted"), "\(sent)")
            let message = try await appliance.curl("INBOX;MAILINDEX=1")
            #expect(!message.contains("bank.example"), "\(message)")
            #expect(message.contains("Authentication-Results: filter.example.org;"), "\(message)")
            #expect(message.contains("\r\nX-Last: 1\r\n\r\nHello\r\n"))
            try await appliance.stop()
            withExtendedLifetime(filter) {}
        }

        @Test("opendkim signs what is submitted, and our own signature holds beside it") func opendkimSigns()
            async throws
        {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try await Program.succeed("openssl", ["genrsa", "-traditional", "-out", folder + "/key.pem", "2048"])
            try """
            Mode s
            Domain example.org
            Selector filter
            KeyFile \(folder)/key.pem
            RequireSafeKeys no
            Canonicalization relaxed/simple
            Socket local:\(folder)/milter
            Background no
            """.write(toFile: folder + "/opendkim.conf", atomically: true, encoding: .utf8)
            let filter = try await Self.start(
                "/usr/sbin/opendkim",
                ["-f", "-x", folder + "/opendkim.conf"],
                socket: folder + "/milter"
            )
            let appliance = try await Self.appliance(folder + "/milter for=submitted")
            let shown = try await appliance.command(["dkim", "add", "example.org", "--json"])
            let selectors = shown.matches(of: #/"selector" ?: ?"([^"]+)"/#).map { String($0.1) }
            for selector in selectors { try await appliance.command(["dkim", "start", "example.org", selector]) }
            try await appliance.swaks(
                from: TestAppliance.address,
                service: "submission",
                data: "From: ann@example.org\nSubject: signed twice\n\nHello\n",
                Self.login
            )
            let message = try await appliance.curl("INBOX;MAILINDEX=1")
            let signatures = message.split(separator: "\r\n\r\n")[0].matches(of: #/(?m)^DKIM-Signature:/#).count
            #expect(signatures == selectors.count + 1, "\(message)")
            #expect(message.contains("s=filter;"), "\(message)")

            let pem = try await Program.succeed("openssl", ["pkey", "-in", folder + "/key.pem", "-pubout"])
            let key = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
            let own = try await appliance.command(["dkim", "show", "example.org", "--json"])
            let records = try #require(own.firstIndex(of: "[").map { own[$0...].dropFirst() })
            let filters = #"{"name": "filter._domainkey.example.org", "record": "v=DKIM1; k=rsa; p=\#(key)"}"#
            try "[\(filters),\(records)".write(toFile: folder + "/records", atomically: true, encoding: .utf8)
            let verified = try await Program.succeed(
                "/usr/bin/python3",
                [Self.script("dkim_peer.py"), "verify", folder + "/records"],
                input: message
            ).split(separator: "\n")
            #expect(verified.count == selectors.count + 1 && verified.contains("True example.org filter"))
            #expect(verified.allSatisfy { $0.hasPrefix("True ") }, "\(verified)\n\(message)")
            try await appliance.stop()
            withExtendedLifetime(filter) {}
        }

        @Test("rspamd refuses, marks, and changes the subject of what it is made to take for spam") func rspamd()
            async throws
        {
            let folder = try Self.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try "org\nnet\n".write(toFile: folder + "/suffixes", atomically: true, encoding: .utf8)
            try """
            options {
              pidfile = "\(folder)/pid"; filters = ""; enable_test_patterns = true; hs_cache_dir = "\(folder)";
              dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
              control_socket = "\(folder)/control mode=0600"; url_tld = "\(folder)/suffixes";
              rrd = "\(folder)/rrd"; history_file = "\(folder)/history"; temp_dir = "\(folder)";
            }
            logging { type = "console"; level = "warning"; color = false; }
            metric { name = "default"; actions { reject = 15; rewrite_subject = 8; add_header = 6; } subject = "[spam] %s"; }
            worker "rspamd_proxy" {
              bind_socket = "\(folder)/milter mode=0600"; count = 1; milter = yes; timeout = 5s;
              upstream "local" { default = yes; self_scan = yes; }
            }
            """.write(toFile: folder + "/rspamd.conf", atomically: true, encoding: .utf8)
            let filter = try await Self.start(
                "/usr/bin/rspamd",
                ["-f", "-i", "-c", folder + "/rspamd.conf"],
                socket: folder + "/milter"
            )
            let appliance = try await Self.appliance(folder + "/milter timeout=20s")
            func send(_ letter: Character) async throws -> String {
                let test = "\(letter)JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
                return try await Self.send(appliance, body: test)
            }
            #expect(try await send("X").contains("554 5.7.1 Gtube pattern"))
            #expect(try await send("Y").contains("250 2.0.0 Accepted"))
            #expect(try await send("Z").contains("250 2.0.0 Accepted"))
            #expect(try await Self.send(appliance).contains("250 2.0.0 Accepted"))
            #expect(try await appliance.curl("INBOX;MAILINDEX=1").contains("\r\nX-Spam: Yes\r\n"))
            #expect(try await appliance.curl("INBOX;MAILINDEX=2").contains("\r\nSubject: [spam] old\r\n"))
            let plain = try await appliance.curl("INBOX;MAILINDEX=3")
            #expect(plain.contains("\r\nSubject: old\r\n") && !plain.contains("X-Spam:"))
            filter.signal(SIGTERM)
            _ = try await filter.end()
            try await appliance.stop()
            try await appliance.verify()
        }
    }
}
