// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Ways to log in that need somebody else: an authorization server, or an authority for certificates; with curl.
    @Suite("Tokens and certificates", .serialized) struct LoginTests {
        /// Fetches a message's subject with curl; nil if curl does not get in.
        private static func fetch(_ appliance: TestAppliance, _ words: [String]) async throws -> String? {
            let ended = try await Program.run(
                "curl",
                [
                    "--silent", "--show-error", "--max-time", "30", "--cacert", appliance.certificate,
                    "imaps://localhost:\(appliance.port("imaps"))/INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)",
                ] + words
            )
            return ended.status == 0 ? ended.output : nil
        }

        @Test("Who guesses by IMAP is refused by SMTP too; the log says so once, without the passwords")
        func guessing() async throws {
            let appliance = try await TestAppliance(settings: "limits: {wrong-passwords: 10}")
            try await appliance.start()
            let imap = try Wire(port: appliance.port("imap"))
            try imap.line("* OK")
            for guess in 1...2 {
                try imap.line(
                    "\(guess) NO [AUTH",
                    sending: "\(guess) LOGIN \(TestAppliance.address) hunter\(guess)\r\n"
                )
            }
            let response = Data("\0\(TestAppliance.address)\0\(TestAppliance.password)".utf8).base64EncodedString()
            let smtp = try Wire(port: appliance.port("submission"))
            try smtp.line("220 ")
            try smtp.line("250 ", sending: "EHLO client.example.com\r\n")
            for _ in 1...2 { try smtp.line("454 4.7.0", sending: "AUTH PLAIN \(response)\r\n") }
            let metrics = try await Program.succeed(
                "curl",
                ["--silent", "http://127.0.0.1:\(appliance.port("http"))/metrics"]
            )
            #expect(metrics.contains("letterhouse_guessing_addresses_total 1"))
            #expect(appliance.log.split(separator: "Too many wrong passwords").count == 2)
            #expect(!appliance.log.contains("hunter"))
            #expect(try await appliance.stop() == 0)
        }

        /// What a server says to somebody at 203.0.113.9.
        private static func answer(
            _ appliance: TestAppliance,
            _ service: String,
            _ lines: String...
        ) async throws -> String {
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Support/proxied.py").path
            return try await Program.succeed(
                "python3",
                [script, "\(appliance.port(service))", service == "imaps" ? appliance.certificate : ""] + lines
            )
        }

        @Test("Nobody is banned from where an account has logged in, also before a restart", arguments: [true, false])
        func bans(hasLoggedIn: Bool) async throws {
            let appliance = try await TestAppliance(
                settings: "limits: {ban-after: 2}\nlisten: {proxies: [127.0.0.2]}"
            )
            try await appliance.start()
            if hasLoggedIn {
                let login = "a LOGIN \(TestAppliance.address) \"\(TestAppliance.password)\""
                #expect(try await Self.answer(appliance, "imaps", login).contains("a OK"))
                #expect(try await appliance.stop() == 0)
                try await appliance.start()
            }
            // A browser that was led here.
            for _ in 1...3 { _ = try await Self.answer(appliance, "smtp", "POST / HTTP/1.1\r\n\r\n") }
            #expect(appliance.log.contains("Address is banned") == !hasLoggedIn)
            let greeting = try await Self.answer(appliance, "smtp")
            #expect(greeting.hasPrefix(hasLoggedIn ? "220 " : "421 "), "\(greeting)")
            #expect(try await appliance.stop() == 0)
        }

        @Test("A-05: a password that the operator changes ends sessions within a second") func changedPassword()
            async throws
        {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let idle = try appliance.imap()
            try idle.send("a SELECT INBOX\r\nb IDLE\r\n")
            try idle.line("+ ")
            try await appliance.command(["account", "password", TestAppliance.address], input: "another one\n")
            let changed = ContinuousClock.now
            try idle.line("* BYE [EXPIRED]")
            #expect(ContinuousClock.now - changed < .seconds(1))
            #expect(try await appliance.stop() == 0)
        }

        @Test("curl logs in with a token that a server of RFC 7662 vouches for") func tokens() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try "a s&cret: \n".write(toFile: folder + "/secret", atomically: true, encoding: .utf8)
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "Support/introspection.py"
            )
            let ann = #""email":"\#(TestAppliance.address)","exp":4102444800"#
            let server = try Background(
                "/usr/bin/python3",
                [
                    script.path, "--folder", folder, "--client", "letter house:a s&cret: ",
                    #"good={"active":true,"scope":"openid mail",\#(ann)}"#,
                    #"narrow={"active":true,"scope":"calendar",\#(ann)}"#,
                    #"old={"active":true,"scope":"mail","email":"\#(TestAppliance.address)","exp":1}"#,
                    #"other={"active":true,"scope":"mail","email":"nobody@example.org"}"#, "broken=<html>",
                ],
                log: folder + "/log"
            )
            defer { server.signal(SIGKILL) }
            try await eventually("the authorization server listens") {
                guard server.isRunning else { throw Program.Failed(description: server.output) }
                return FileManager.default.fileExists(atPath: folder + "/port")
            }
            let port = try String(contentsOfFile: folder + "/port", encoding: .utf8)
            let appliance = try await TestAppliance(
                settings: """
                    tokens:
                      introspection: http://127.0.0.1:\(port)/introspect?realm=test
                      client-id: letter house
                      client-secret-file: \(folder)/secret
                      account-claim: email
                      scope: mail
                    """
            )
            try await appliance.start()
            try await appliance.swaks(data: "Subject: for Ann\n\nhello\n")
            func fetch(_ token: String, _ mechanism: String) async throws -> String? {
                try await Self.fetch(
                    appliance,
                    [
                        "--user", "\(TestAppliance.address):", "--oauth2-bearer", token, "--login-options",
                        "AUTH=\(mechanism)",
                    ]
                )
            }
            for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
                #expect(try await fetch("good", mechanism)?.contains("for Ann") == true)
                for token in ["narrow", "old", "other", "unknown", "broken"] {
                    #expect(try await fetch(token, mechanism) == nil, "\(token)")
                }
            }
            let wire = try Wire(port: appliance.port("imap"))
            try wire.line("* OK")
            let response = Data("n,,\u{1}auth=Bearer unknown\u{1}\u{1}".utf8).base64EncodedString()
            let error = try wire.line("+ ", sending: "a AUTHENTICATE OAUTHBEARER \(response)\r\n")
            let json = Data(base64Encoded: String(error.dropFirst(2))).map { String(decoding: $0, as: UTF8.self) }
            #expect(json == #"{"status":"invalid_token","scope":"mail"}"#)
            try wire.line("a NO [AUTHENTICATIONFAILED]", sending: "AQ==\r\n")
            let broken = Data("n,,\u{1}auth=Bearer broken\u{1}\u{1}".utf8).base64EncodedString()
            try wire.line("b NO [UNAVAILABLE]", sending: "b AUTHENTICATE OAUTHBEARER \(broken)\r\n")
            #expect(appliance.log.contains("expected a JSON object"))
            #expect(!appliance.log.contains("s&cret"))
            #expect(try await appliance.stop() == 0)
        }

        @Test("curl logs in with a certificate that names the account; SCRAM-SHA-256-PLUS is announced with TLS")
        func certificates() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "clients-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            /// Makes a certificate of the authority, or the authority.
            func make(_ name: String, _ extensions: [String]) async throws {
                try await Program.succeed(
                    "openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem",
                    ] + extensions
                )
            }
            // It vouches for itself: authority and client in one.
            try await make(
                "ann",
                [
                    "-addext", "subjectAltName=email:\(TestAppliance.address)", "-addext",
                    "extendedKeyUsage=clientAuth",
                ]
            )
            let appliance = try await TestAppliance(settings: "")
            try (try String(contentsOfFile: appliance.settingsFile, encoding: .utf8)).replacing(
                "tls:\n",
                with: "tls:\n  client-authorities: \(folder)/ann.pem\n  channel-binding: true\n"
            ).write(toFile: appliance.settingsFile, atomically: true, encoding: .utf8)
            try await appliance.start()
            try await appliance.swaks(data: "Subject: for Ann\n\nhello\n")
            let words = [
                "--cert", "\(folder)/ann.pem", "--key", "\(folder)/ann.key", "--login-options", "AUTH=EXTERNAL",
                "--user", "\(TestAppliance.address):",
            ]
            #expect(try await Self.fetch(appliance, words)?.contains("for Ann") == true)
            #expect(try await Self.fetch(appliance, Array(words.dropFirst(4))) == nil)
            let other = Array(words.prefix(6)) + ["--user", "bob@example.org:"]
            #expect(try await Self.fetch(appliance, other) == nil)
            let greeting = try await Program.run(
                "openssl",
                ["s_client", "-connect", "127.0.0.1:\(appliance.port("imaps"))", "-quiet"],
                input: "a LOGOUT\r\n"
            ).output
            #expect(greeting.contains(" AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN "))
            #expect(!greeting.contains("EXTERNAL"))
            #expect(try await appliance.stop() == 0)
        }
    }
}
