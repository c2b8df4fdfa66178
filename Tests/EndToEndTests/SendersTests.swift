// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// SPF, DKIM and DMARC with other people's programs, and names from a name server.
    @Suite("Who sent it", .serialized) struct SendersTests {
        private static let login = [
            "--auth", "PLAIN", "--auth-user", TestAppliance.address, "--auth-password", TestAppliance.password,
        ]

        private static func folder() -> String {
            FileManager.default.temporaryDirectory.appending(path: "letterhouse-senders-\(UUID().uuidString)").path
        }

        private static func script(_ name: String) -> String {
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Support/\(name)").path
        }

        /// An appliance that asks the name server on that port, about mail from this machine too.
        private static func appliance(namesPort: Int, relay: String = "") async throws -> TestAppliance {
            try await TestAppliance(
                settings: """
                    senders:
                      exempt: []
                    relay:
                      resolver: 127.0.0.1@\(namesPort)
                      allow-private-addresses: true
                    \(relay)
                    """
            )
        }

        /// A new key that openssl makes: its file, and its record.
        private static func rsaKey(in folder: String) async throws -> (file: String, record: String) {
            let file = folder + "/rsa.pem"
            try await Program.succeed("openssl", ["genrsa", "-traditional", "-out", file, "2048"])
            let text = try await Program.succeed("openssl", ["rsa", "-in", file, "-pubout"])
            let base64 = text.split(separator: "\n").filter { !$0.contains(" ") }.joined()
            let half = base64.index(base64.startIndex, offsetBy: 200)
            return (file, "( \"v=DKIM1; k=rsa; p=\" \"\(base64[..<half])\" \"\(base64[half...])\" )")
        }

        /// The Authentication-Results field of a message, unfolded.
        private static func results(_ message: String) throws -> String {
            let header = message.replacing("\r\n\t", with: " ").split(separator: "\r\n")
            return String(try #require(header.first { $0.hasPrefix("Authentication-Results: mail.example.org;") }))
        }

        @Test("SPF, and signatures of dkimpy: what is its domain's is taken, what is not is refused, or in Junk")
        func incoming() async throws {
            let folder = Self.folder()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let key = try await Self.rsaKey(in: folder)
            // RFC 8463 §A.2.
            let ed25519 = folder + "/ed25519"
            try "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n".write(
                toFile: ed25519,
                atomically: true,
                encoding: .utf8
            )
            let names = try await NameServer(
                in: folder + "/nsd",
                zones: [
                    "honest.example": """
                    @ TXT "v=spf1 ip4:127.0.0.1 -all"
                    _dmarc TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
                    r._domainkey TXT \(key.record)
                    e._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
                    """,
                    "elsewhere.example": "@ TXT \"v=spf1 ip4:192.0.2.1 -all\"",
                    "suspicious.example": "_dmarc TXT \"v=DMARC1; p=quarantine\"",
                    "macro.example": """
                    @ TXT "v=spf1 exists:%{l}._spf.%{d} mx:%{l}.%{d} -all"
                    good+tag=x._spf A 127.0.0.2
                    by+mx MX 10 mx
                    mx A 127.0.0.1
                    """,
                ]
            )
            let appliance = try await Self.appliance(namesPort: names.port)
            try await appliance.start()

            // By SPF, with a local part that no host could have for a name.
            try await appliance.swaks(from: "eve@honest.example", data: "From: eve@honest.example\n\nspf\n")
            try await appliance.swaks(from: "good+tag=x@macro.example", data: "From: a@macro.example\n\nmacro\n")
            try await appliance.swaks(from: "by+mx@macro.example", data: "From: a@macro.example\n\nmacro\n")
            // By a signature, while SPF fails.
            let message = "From: eve@honest.example\r\nSubject: signed\r\n\r\nsigned\r\n"
            for (key, selector) in [(key.file, "r"), (ed25519, "e")] {
                let signed = try await Program.succeed(
                    "/usr/bin/python3",
                    [Self.script("dkim_peer.py"), "sign", key, "honest.example", selector],
                    input: message
                )
                let file = folder + "/signed.eml"
                try signed.write(toFile: file, atomically: true, encoding: .utf8)
                try await appliance.swaks(from: "list@elsewhere.example", data: "@" + file)
                // Changed on the way.
                try signed.replacing("signed\r\n", with: "changed\r\n").write(
                    toFile: file,
                    atomically: true,
                    encoding: .utf8
                )
                let refused = try await Program.run(
                    "swaks",
                    self.words(appliance, "list@elsewhere.example", "@" + file)
                )
                #expect(refused.output.contains("550 5.7.1 honest.example refuses mail in its name"))
            }
            try await appliance.swaks(from: "list@elsewhere.example", data: "From: boss@suspicious.example\n\njunk\n")
            // Nobody knows the zone.
            try await appliance.swaks(from: "eve@unknown.example", data: "From: eve@unknown.example\n\nsilent\n")

            func results(_ path: String) async throws -> String { try Self.results(try await appliance.curl(path)) }
            #expect(
                try await results("INBOX;MAILINDEX=1")
                    == "Authentication-Results: mail.example.org; spf=pass  smtp.mailfrom=honest.example; dkim=none; "
                    + "dmarc=pass  header.from=honest.example"
            )
            for index in [2, 3] {
                #expect(
                    try await results("INBOX;MAILINDEX=\(index)").contains(" spf=pass  smtp.mailfrom=macro.example; ")
                )
            }
            for (index, algorithm) in [(4, "rsa-sha256"), (5, "ed25519-sha256")] {
                let text = try await results("INBOX;MAILINDEX=\(index)")
                #expect(
                    text.contains(" spf=fail  smtp.mailfrom=elsewhere.example; dkim=pass  header.d=honest.example ")
                )
                #expect(
                    text.contains(" header.a=\(algorithm) ")
                        && text.contains("; dmarc=pass  header.from=honest.example")
                )
            }
            let silent = try await results("INBOX;MAILINDEX=6")
            #expect(silent.contains(" spf=temperror ") && silent.contains(" dmarc=temperror "))
            #expect(try await results("Junk;MAILINDEX=1").contains(" policy.dmarc=quarantine"))
            try await appliance.stop()
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        private func words(_ appliance: TestAppliance, _ sender: String, _ data: String) -> [String] {
            [
                "--server", "127.0.0.1:\(appliance.port("smtp"))", "--from", sender, "--to", TestAppliance.address,
                "--helo",
                "client.example.net", "--data", data,
            ]
        }

        @Test("Two servers of ours: what one signs, the other and dkimpy find good; old keys go, new ones come")
        func outgoing() async throws {
            let folder = Self.folder()
            let namesPort = try ListeningPort.free()
            let receiver = try await Self.appliance(namesPort: namesPort)
            try await receiver.command(["domain", "add", "remote.example"])
            try await receiver.command(["alias", "add", "bob@remote.example", TestAppliance.address])
            let sender = try await Self.appliance(namesPort: namesPort, relay: "  port: \(receiver.port("smtp"))")
            let shown = try await sender.command(["dkim", "add", TestAppliance.domain, "--selector", "one"])
            #expect(shown.contains("letterhouse dkim start example.org one-rsa"))
            try await sender.command(["dkim", "add", TestAppliance.domain, "--selector", "two", "--algorithm", "rsa"])
            for key in ["one-rsa", "one-ed25519"] {
                try await sender.command(["dkim", "start", TestAppliance.domain, key])
            }
            let records = try await sender.command(["dkim", "show", TestAppliance.domain])
            #expect(!records.contains("PRIVATE"))
            let json = folder + ".json"
            try await sender.command(["dkim", "show", TestAppliance.domain, "--json"]).write(
                toFile: json,
                atomically: true,
                encoding: .utf8
            )
            let names = try await NameServer(
                in: folder,
                zones: [
                    "example.org": """
                    @ TXT "v=spf1 ip4:127.0.0.1 -all"
                    _dmarc TXT "v=DMARC1; p=reject; adkim=s"
                    \(records)
                    """,
                    "remote.example": "@ MX 10 mx\nmx A 127.0.0.1",
                ],
                port: namesPort
            )
            try await receiver.start()
            try await sender.start()

            func send(_ number: Int) async throws -> String {
                try await sender.swaks(
                    to: "bob@remote.example",
                    from: TestAppliance.address,
                    service: "submission",
                    data: "From: Ann <ann@example.org>\nSubject: no \(number)\n\n.dot\n  spaces  \nÜ\n\n\n",
                    ["--tls"] + Self.login
                )
                try await eventually("message \(number) arrives") {
                    try await receiver.curl("", ["--request", "STATUS INBOX (MESSAGES)"]).contains("MESSAGES \(number)")
                }
                return try await receiver.curl("INBOX;MAILINDEX=\(number)")
            }
            let message = try await send(1)
            let results = try Self.results(message)
            #expect(
                results.contains("; dkim=pass  header.d=example.org  header.s=one-ed25519  header.a=ed25519-sha256 ")
            )
            #expect(results.contains("; dkim=pass  header.d=example.org  header.s=one-rsa  header.a=rsa-sha256 "))
            #expect(results.contains("; dmarc=pass  header.from=example.org"))
            let verified = try await Program.succeed(
                "/usr/bin/python3",
                [Self.script("dkim_peer.py"), "verify", json],
                input: message
            )
            #expect(verified == "True example.org one-ed25519\nTrue example.org one-rsa\n")

            // While it runs, and heard of at once.
            try await sender.command(["dkim", "start", TestAppliance.domain, "two-rsa"])
            try await sender.command(["dkim", "remove", TestAppliance.domain, "one-rsa"])
            let next = try Self.results(try await send(2))
            #expect(next.contains("header.s=two-rsa") && !next.contains("one-rsa") && next.contains("; dmarc=pass"))
            #expect(
                try await sender.command(["dkim", "list", "--json"]).contains("\"selector\":\"two-rsa\",\"signs\":true")
            )
            for appliance in [sender, receiver] {
                try await appliance.stop()
                try await appliance.verify()
            }
            withExtendedLifetime(names) {}
        }

        @Test("What an alias sends on is sealed, as dkimpy finds too, however often; what is broken then stays so")
        func sealed() async throws {
            let folder = Self.folder()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let key = try await Self.rsaKey(in: folder)
            let namesPort = try ListeningPort.free()
            let sink = try await Sink(in: folder + "/sink")
            let appliance = try await Self.appliance(namesPort: namesPort, relay: "  port: \(sink.port)")
            try await appliance.command(["dkim", "add", TestAppliance.domain, "--selector", "one"])
            for key in ["one-rsa", "one-ed25519"] {
                try await appliance.command(["dkim", "start", TestAppliance.domain, key])
            }
            // A message that comes back to the same one runs in circles.
            for number in 1...3 {
                try await appliance.command(["alias", "add", "friends\(number)@example.org", "bob@remote.example"])
            }
            let json = folder + "/records.json"
            try await appliance.command(["dkim", "show", TestAppliance.domain, "--json"]).write(
                toFile: json,
                atomically: true,
                encoding: .utf8
            )
            let names = try await NameServer(
                in: folder + "/nsd",
                zones: [
                    "example.org": try await appliance.command(["dkim", "show", TestAppliance.domain]),
                    "honest.example": "r._domainkey TXT \(key.record)", "remote.example": "@ MX 10 mx\nmx A 127.0.0.1",
                ],
                port: namesPort
            )
            try await appliance.start()

            /// Sends a message to the alias of that number; as the sink gets it.
            func sentOn(_ message: String, _ number: Int) async throws -> String {
                let file = folder + "/message.eml"
                try message.write(toFile: file, atomically: true, encoding: .utf8)
                try await appliance.swaks(
                    to: "friends\(number)@example.org",
                    from: "eve@honest.example",
                    data: "@" + file
                )
                try await eventually("message \(number) arrives") { try sink.messages().count == number }
                let got = try #require(try sink.messages().last)
                return String(got[try #require(got.firstRange(of: "\n\n")).upperBound...])
            }
            func chain(_ message: String) async throws -> String {
                try await Program.succeed(
                    "/usr/bin/python3",
                    [Self.script("dkim_peer.py"), "arc", json],
                    input: message
                )
            }
            let signed = try await Program.succeed(
                "/usr/bin/python3",
                [Self.script("dkim_peer.py"), "sign", key.file, "honest.example", "r"],
                input: "From: eve@honest.example\r\nSubject: sealed\r\n\r\n.dot\r\nÜ  \r\n\r\n"
            )
            let first = try await sentOn(signed, 1)
            #expect(first.hasPrefix("ARC-Seal: i=1; a=rsa-sha256; cv=none;"), "\(first)")
            #expect(first.contains("\r\nARC-Authentication-Results: i=1; mail.example.org;\r\n"))
            #expect(first.contains("\tdkim=pass\r\n\t header.d=honest.example"))
            #expect(try await chain(first) == "pass\n")
            let second = try await sentOn(first, 2)
            #expect(second.hasPrefix("ARC-Seal: i=2; a=rsa-sha256; cv=pass;"), "\(second)")
            #expect(try await chain(second) == "pass\n")
            let third = try await sentOn(second.replacing("\r\n.dot\r\n", with: "\r\n.changed\r\n"), 3)
            #expect(third.hasPrefix("ARC-Seal: i=3; a=rsa-sha256; cv=fail;"), "\(third)")
            #expect(try await chain(third) == "ARC-Seal[3] reported failure, the chain is terminated\n")
            try await appliance.stop()
            try await appliance.verify()
            withExtendedLifetime(names) {}
        }

        @Test("espoofer: nobody writes in another's name") func espoofer() async throws {
            let folder = Self.folder()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let key = try await Self.rsaKey(in: folder)
            let names = try await NameServer(
                in: folder + "/nsd",
                zones: [
                    // The attacker's own domain is in order.
                    "attack.example": """
                    @ TXT "v=spf1 ip4:127.0.0.1 -all"
                    33 TXT "v=spf1 ip4:127.0.0.1 -all"
                    _dmarc TXT "v=DMARC1; p=none"
                    selector._domainkey TXT \(key.record)
                    """,
                    "legitimate.example": """
                    @ TXT "v=spf1 ip4:192.0.2.1 -all"
                    _dmarc TXT "v=DMARC1; p=reject"
                    """,
                ]
            )
            let appliance = try await Self.appliance(namesPort: names.port)
            for address in ["bob@example.org", "carol@example.org"] {
                try await appliance.command(["account", "add", address], input: "another secret\n")
            }
            try await appliance.start()
            func cases(_ kind: String, _ service: String, _ secret: String) async throws -> [String] {
                try await Program.succeed(
                    TestAppliance.checkout + "/.build/python/bin/python",
                    [Self.script("espoofer_cases.py"), kind, "\(appliance.port(service))", secret]
                ).split(separator: "\n").map(String.init)
            }
            let server = try await cases("server", "smtp", key.file)
            #expect(server.count == 20)
            for line in server.dropLast() { #expect(line.contains(#/^server_a\d+ 5\d\d /#), "\(line)") }
            let client = try await cases("client", "submission", TestAppliance.password)
            // The same in their own name; else it might be the script that everything is refused from.
            #expect(server.last?.hasPrefix("server_control 250 ") == true, "\(server)")
            #expect(client.count == 4)
            for line in client.dropLast() { #expect(line.contains(#/^client_a\d+ 550 5\.7\.1 /#), "\(line)") }
            #expect(client.last?.hasPrefix("client_control 250 ") == true, "\(client)")
            try await appliance.stop()
            withExtendedLifetime(names) {}
        }
    }
}
