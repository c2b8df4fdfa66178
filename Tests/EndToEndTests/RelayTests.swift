// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Submitted mail leaves: by MX records, or through a smarthost; and what cannot leave comes back.
    @Suite("Mail goes out", .serialized) struct RelayTests {
        private static let login = [
            "--auth", "PLAIN", "--auth-user", TestAppliance.address, "--auth-password", TestAppliance.password,
        ]

        /// Senders on this machine have to show, too, who they are: others hear nothing of what is sent on.
        private static let asksEverybody = "senders:\n  exempt: []"

        /// An appliance that finds `remote.example` by a name server of the test, on the sink's port.
        private func appliance(sinkPort: Int, _ more: String = "") async throws -> (TestAppliance, NameServer) {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-nsd-\(UUID().uuidString)")
                .path
            let zone = """
                @ MX 10 mx
                @ TXT "v=spf1 mx -all"
                mx A 127.0.0.1
                null MX 0 .
                mixed MX 0 .
                mixed MX 10 mx
                """
            let names = try await NameServer(in: folder, zones: ["remote.example": zone])
            let appliance = try await TestAppliance(
                settings: """
                    relay:
                      port: \(sinkPort)
                      resolver: 127.0.0.1@\(names.port)
                      allow-private-addresses: true
                    \(more)
                    """
            )
            return (appliance, names)
        }

        @Test("A message submitted with STARTTLS on 587 and with TLS on 465 arrives where the MX record says")
        func byMX()
            async throws
        {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-sink-\(UUID().uuidString)")
                .path
            let sink = try await Sink(in: folder)
            let (appliance, names) = try await self.appliance(sinkPort: sink.port)
            try await appliance.start()
            try await appliance.swaks(
                to: "bob@remote.example",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: by STARTTLS\n\n.dot\nhello\n",
                ["--tls"] + Self.login
            )
            try await appliance.swaks(
                to: "carol@remote.example",
                from: TestAppliance.address,
                service: "submissions",
                data: "Subject: by TLS\n\nhello\n",
                ["--tls-on-connect"] + Self.login
            )
            try await eventually("both messages arrive") { try sink.messages().count == 2 }
            let messages = try sink.messages()
            let first = try #require(messages.first { $0.contains("by STARTTLS") })
            #expect(first.hasPrefix("MAIL \(TestAppliance.address)\nRCPT bob@remote.example\n"))
            #expect(first.contains("\r\n\r\n.dot\r\nhello\r\n"))
            #expect(first.contains("with ESMTPSA"))
            #expect(!first.contains("Return-Path"), "that is the last server's to write")
            #expect(first.contains("Message-ID: <"))
            try await eventually("the queue is empty") {
                try await appliance.command(["queue", "list", "--json"]).contains("@remote.example") == false
            }
            try await appliance.stop()
            try await appliance.verify()
            #expect(appliance.log.contains("Names are not verified"), "that name server has no keys")
            withExtendedLifetime(names) {}
        }

        @Test("What an alias sends on arrives under an address of ours, and reports about it reach the sender")
        func forwarding() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-sink-\(UUID().uuidString)")
                .path
            let sink = try await Sink(in: folder)
            let (appliance, names) = try await self.appliance(sinkPort: sink.port, Self.asksEverybody)
            try await appliance.command(["alias", "add", "friends@example.org", "bob@remote.example"])
            try await appliance.command(["alias", "add", "lost@example.org", "nobody@null.remote.example"])
            try await appliance.start()
            try await appliance.swaks(
                to: "friends@example.org",
                from: "eve@remote.example",
                service: "smtp",
                data: "Subject: sent on\n\nhello\n"
            )
            try await eventually("the message arrives") { try sink.messages().count == 1 }
            let message = try #require(try sink.messages().first)
            let sender = try #require(message.firstMatch(of: #/^MAIL (SRS0=\S+=remote\.example=eve@example\.org)\n/#)).1
            #expect(message.contains("\nRCPT bob@remote.example\n"))
            // A report of another host's.
            try await appliance.swaks(
                to: String(sender),
                from: "<>",
                service: "smtp",
                data: "Subject: from afar\n\nIt did not work.\n"
            )
            // And one of our own: that domain takes no mail.
            try await appliance.swaks(
                to: "lost@example.org",
                from: "eve@remote.example",
                service: "smtp",
                data: "Subject: to nobody\n\nhello\n"
            )
            try await eventually("both reports arrive") { try sink.messages().count == 3 }
            let reports = try sink.messages().dropFirst()
            #expect(reports.allSatisfy { $0.contains("\nRCPT eve@remote.example\n") })
            #expect(reports.contains { $0.contains("Subject: from afar") })
            #expect(reports.contains { $0.contains("Subject: Undelivered mail") && $0.contains("Subject: to nobody") })
            try await appliance.stop()
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        @Test("`trace` tells the whole story of a message, with a server and without") func trace() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-sink-\(UUID().uuidString)")
                .path
            let sink = try await Sink(in: folder)
            let (appliance, names) = try await self.appliance(sinkPort: sink.port, Self.asksEverybody)
            let targets = [TestAppliance.address, "bob@remote.example", "nobody@null.remote.example"]
            try await appliance.command(["alias", "add", "friends@example.org"] + targets)
            try await appliance.start()
            try await appliance.swaks(
                to: "friends@example.org",
                from: "eve@remote.example",
                service: "smtp",
                data: "Message-ID: <1@remote.example>\nSubject: a story\n\nhello\n"
            )
            try await eventually("the message and the report about it arrive") { try sink.messages().count == 2 }
            try await eventually("that is written down") {
                try await appliance.command(["queue", "list"]) == "Nothing waits.\n"
            }
            let told = try await appliance.command(["trace", "<1@remote.example>"])
            let id = try #require(told.firstMatch(of: #/^Message       (\S+)\nMessage-ID    <1@remote.example>\n/#)).1
            for line in [
                #/received from client.example.net \[127.0.0.1\] by smtp \(ESMTP, no TLS\) for friends@example.org\n/#,
                #/delivered to ann@example.org, into INBOX\n/#,
                #/queued as 1 to be sent on to (?:bob|nobody)@\S+, (?:bob|nobody)@\S+ from <SRS0=\S+>\n/#,
                #/passed on for bob@remote.example: mx.remote.example \[127.0.0.1\]: 250 [^\n]+\n/#,
                #/failed for nobody@null.remote.example: 5.1.10 the domain takes no mail\n/#,
            ] {
                #expect(told.contains(line), "\(told)")
            }
            for name in [String(id), "1", "1@remote.example"] {
                #expect(try await appliance.command(["trace", name]) == told)
            }
            let report = try #require(told.firstMatch(of: #/the sender is told, in (\S+)\n/#)).1
            let sent = try await appliance.command(["trace", String(report)])
            #expect(sent.contains("Reverse-path  <>\n"))
            #expect(sent.contains(#/made here for SRS0=\S+=remote.example=eve@example.org\n/#))
            #expect(sent.contains("passed on for eve@remote.example: mx.remote.example"))
            let list = try await appliance.command(["trace", "BOB@remote.example"])
            #expect(list.contains(id) && list.contains("friends@example.org"))
            let unknown = ["trace", "nobody@example.org", "--config", appliance.settingsFile]
            let failure = try await Program.run(TestAppliance.program, unknown)
            #expect(failure.status == 65)
            #expect(failure.output.contains("nothing is known of nobody@example.org: give an id"))
            try await appliance.stop()

            #expect(try await appliance.command(["trace", String(id)]) == told)
            let json = try await appliance.command(["trace", String(id), "--json"])
            let stories = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: any Sendable]]
            )
            #expect(stories.first?["id"] as? String == String(id))
            #expect((stories.first?["events"] as? [any Sendable])?.count == 5)
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        @Test("Nobody relays without a password, and nobody writes in another's name") func noOpenRelay() async throws {
            let (appliance, names) = try await self.appliance(sinkPort: 9)
            try await appliance.start()
            let words = [
                "--server", "127.0.0.1:\(appliance.port("smtp"))", "--from", "a@example.net", "--to",
                "b@remote.example",
                "--quit-after", "RCPT",
            ]
            #expect(try await Program.run("swaks", words).output.contains("550 5.7.1"))
            let submission = [
                "--server", "127.0.0.1:\(appliance.port("submission"))", "--tls", "--to", "b@remote.example",
                "--quit-after",
                "RCPT",
            ]
            #expect(
                try await Program.run("swaks", submission + ["--from", "a@example.net"]).output.contains("530 5.7.0")
            )
            let foreign = try await Program.run("swaks", submission + ["--from", "boss@example.org"] + Self.login)
            #expect(foreign.output.contains("553 5.7.1"))
            try await appliance.stop()
            withExtendedLifetime(names) {}
        }

        @Test("Through a smarthost that wants STARTTLS and a password") func smarthost() async throws {
            let base = FileManager.default.temporaryDirectory.appending(path: "letterhouse-smart-\(UUID().uuidString)")
                .path
            try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
            try await Program.succeed(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", base + "/key.pem", "-out",
                    base + "/cert.pem",
                ]
            )
            let sink = try await Sink(
                in: base + "/sink",
                tls: (base + "/cert.pem", base + "/key.pem"),
                login: ("relayuser", "relay secret")
            )
            try "relay secret\n".write(toFile: base + "/password", atomically: true, encoding: .utf8)
            let appliance = try await TestAppliance(
                settings: """
                    relay:
                      allow-private-addresses: true
                      smarthost:
                        host: localhost
                        port: \(sink.port)
                        security: starttls
                        user: relayuser
                        password-file: \(base)/password
                    """
            )
            try await appliance.start(environment: ["SSL_CERT_FILE": base + "/cert.pem"])
            try await appliance.swaks(
                to: "bob@anywhere.test",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: smart\n\nhello\n",
                ["--tls"] + Self.login
            )
            try await eventually("the message arrives") { try sink.messages().count == 1 }
            let message = try #require(try sink.messages().first)
            #expect(message.contains("TLS True AUTH True"))
            try await appliance.stop()
        }

        @Test("While the other side is down mail stays queued, also over kill -9, and goes out when it is back")
        func downAndBack() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-sink-\(UUID().uuidString)")
                .path
            let port = try ListeningPort.free()
            let (appliance, names) = try await self.appliance(sinkPort: port, "  retry-after: 1s")
            try await appliance.start()
            try await appliance.swaks(
                to: "bob@remote.example",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: patience\n\nhello\n",
                ["--tls"] + Self.login
            )
            try await eventually("a first attempt has failed") {
                try await appliance.command(["queue", "list", "--json"]).contains(/"attempts" ?: ?[1-9]/)
            }
            try await appliance.stop(signal: SIGKILL)
            try await appliance.start()
            #expect(try await appliance.command(["queue", "list"]).contains("bob@remote.example"))
            let sink = try await Sink(in: folder, port: port)
            try await eventually("the message arrives") { try sink.messages().count == 1 }
            try await appliance.stop()
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        @Test("The operator sees what waits and why, holds it, lets it go, and gives it up") func queue() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-sink-\(UUID().uuidString)")
                .path
            let port = try ListeningPort.free()
            let (appliance, names) = try await self.appliance(sinkPort: port)
            try await appliance.start()
            for name in ["kept", "given up"] {
                try await appliance.swaks(
                    to: "bob@remote.example",
                    from: TestAppliance.address,
                    service: "submission",
                    data: "Subject: \(name)\n\nhello\n",
                    ["--tls"] + Self.login
                )
            }
            try await eventually("both have been tried") {
                try await appliance.command(["queue", "list", "--json"]).matches(of: /"attempts" ?: ?[1-9]/).count == 2
            }
            let rows = try await appliance.command(["queue", "list"]).split(separator: "\n").dropFirst()
            let numbers = rows.map { String($0.prefix { $0 != " " }) }
            try #require(numbers.count == 2)
            #expect(rows.allSatisfy { $0.contains(TestAppliance.address) && $0.contains("bob@remote.example") })
            let shown = try await appliance.command(["queue", "show", numbers[0]])
            #expect(shown.hasPrefix("Message       \(numbers[0])\n"))
            #expect(shown.contains("For           bob@remote.example"))
            #expect(shown.contains(", next at "))
            let json = try await appliance.command(["queue", "show", numbers[0], "--json"])
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: any Sendable]
            )
            #expect(object["from"] as? String == TestAppliance.address)
            #expect(object["hold"] as? Bool == false)

            let held = try await appliance.command(["queue", "hold", numbers[0]])
            #expect(held.contains("\(numbers[0]) is on hold. To go on: letterhouse queue retry \(numbers[0])"))
            #expect(try await appliance.command(["queue", "show", numbers[0]]).contains("on hold"))
            #expect(try await appliance.command(["queue", "remove", numbers[1]]).contains("\(numbers[1]) is removed."))
            let gone = try await Program.run(
                TestAppliance.program,
                ["queue", "show", numbers[1], "--config", appliance.settingsFile]
            )
            #expect(gone.status == 65)

            // The destination has just failed, and is not to be tried for a while: "retry" means now all the same.
            let sink = try await Sink(in: folder, port: port)
            #expect(try await appliance.command(["queue", "retry", numbers[0]]) == "1 message is due now.\n")
            try await eventually("the one that was held arrives") { try sink.messages().count == 1 }
            #expect(try sink.messages().allSatisfy { $0.contains("Subject: kept") })
            try await eventually("the queue is empty") {
                try await appliance.command(["queue", "list"]) == "Nothing waits.\n"
            }
            try await appliance.stop()
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        @Test("After the limit the sender gets a report") func report() async throws {
            let port = try ListeningPort.free()
            let (appliance, names) = try await self.appliance(sinkPort: port, "  retry-after: 1s\n  lifetime: 3s")
            try await appliance.start()
            try await appliance.swaks(
                to: "bob@remote.example",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: lost cause\n\nhello\n",
                ["--tls"] + Self.login
            )
            let wire = try appliance.imap()
            try wire.send("a SELECT INBOX\r\nb IDLE\r\n")
            try wire.line("+ ")
            try wire.line("* 1 EXISTS")
            let report = try await appliance.curl("INBOX;MAILINDEX=1")
            #expect(report.contains("Return-Path: <>"))
            #expect(report.contains("multipart/report"))
            #expect(
                report.contains("Final-Recipient: rfc822;bob@remote.example")
                    || report.contains("Final-Recipient: rfc822; bob@remote.example")
            )
            #expect(report.contains("Action: failed"))
            #expect(report.contains("Status: 4.4.7"))
            #expect(report.contains("Subject: lost cause"))
            try await appliance.stop()
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        @Test("A null MX beside others says nothing") func nullAmongOthers() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-sink-\(UUID().uuidString)")
                .path
            let sink = try await Sink(in: folder)
            let (appliance, names) = try await self.appliance(sinkPort: sink.port)
            try await appliance.start()
            try await appliance.swaks(
                to: "bob@mixed.remote.example",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: mixed\n\nhello\n",
                ["--tls"] + Self.login
            )
            try await eventually("the message arrives") { try sink.messages().count == 1 }
            try await appliance.stop()
            withExtendedLifetime(names) {}
        }

        @Test("Mail for a domain whose MX record leads back here is a loop") func loop() async throws {
            let (appliance, names) = try await self.appliance(sinkPort: 9)
            try await appliance.start(environment: ["LETTERHOUSE_RELAY_PORT": "\(appliance.port("smtp"))"])
            try await appliance.swaks(
                to: "bob@remote.example",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: boomerang\n\nhello\n",
                ["--tls"] + Self.login
            )
            try await eventually("the report arrives") {
                try await appliance.curl("INBOX?ALL").contains("SEARCH 1")
            }
            #expect(try await appliance.curl("INBOX;MAILINDEX=1").contains("Status: 5.4.6"))
            try await appliance.stop()
            withExtendedLifetime(names) {}
        }

        @Test("A domain that does not exist is reported at once") func noSuchDomain() async throws {
            let (appliance, names) = try await self.appliance(sinkPort: 9)
            try await appliance.start()
            try await appliance.swaks(
                to: "bob@nowhere.remote.example",
                from: TestAppliance.address,
                service: "submission",
                data: "Subject: nowhere\n\nhello\n",
                ["--tls"] + Self.login
            )
            try await eventually("the report arrives") {
                try await appliance.curl("INBOX?ALL").contains("SEARCH 1")
            }
            #expect(try await appliance.curl("INBOX;MAILINDEX=1").contains("Action: failed"))
            try await appliance.stop()
            withExtendedLifetime(names) {}
        }
    }
}
