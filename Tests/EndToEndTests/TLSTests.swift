// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// What scanners of TLS find on the ports, and what becomes of those who come to the wrong one (the ALPACA attack).
    @Suite("TLS from outside", .serialized) struct TLSTests {
        /// Ports with TLS from the start, by their ALPN names, and one with STARTTLS.
        private static let doors = [("smtp", "smtp", true), ("submissions", "smtp", false), ("imaps", "imap", false)]

        @Test("sslscan: TLS 1.2 with forward secrecy and authenticated encryption, or 1.3; no renegotiation")
        func scan() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            for (service, _, startsTLS) in Self.doors {
                let report = try await Program.succeed(
                    "sslscan",
                    ["--no-colour"] + (startsTLS ? ["--starttls-smtp"] : []) + ["127.0.0.1:\(appliance.port(service))"]
                )
                let lines = report.split(separator: "\n").map(String.init)
                for version in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
                    #expect(lines.contains { $0.hasPrefix(version) && $0.hasSuffix("disabled") }, "\(report)")
                }
                for version in ["TLSv1.2", "TLSv1.3"] {
                    #expect(lines.contains { $0.hasPrefix(version) && $0.hasSuffix("enabled") }, "\(report)")
                }
                #expect(lines.contains("Session renegotiation not supported"), "\(report)")
                let ciphers = lines.filter { $0.hasPrefix("Accepted") || $0.hasPrefix("Preferred") }
                #expect(ciphers.count > 3, "\(report)")
                for cipher in ciphers where !cipher.contains(" TLS_") {
                    #expect(cipher.contains(#/ ECDHE-\w+-(AES\d+-GCM-\w+|CHACHA20-POLY1305)/#), "\(cipher)")
                }
            }
            try await appliance.stop()
        }

        @Test("RFC 7301 §3.2: who means another protocol is sent away in the handshake; who names none is not")
        func applicationProtocols() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            for (service, name, startsTLS) in Self.doors {
                for offer in ["http/1.1", "h2", "imap", "smtp", "pop3", nil] {
                    let words =
                        ["s_client", "-connect", "127.0.0.1:\(appliance.port(service))"]
                        + (startsTLS ? ["-starttls", "smtp"] : []) + (offer.map { ["-alpn", $0] } ?? [])
                    let output = try await Program.run("openssl", words).output
                    let isRefused = output.contains("SSL alert number 120")
                    #expect(isRefused == (offer != nil && offer != name), "\(service), \(offer ?? "none"): \(output)")
                    if offer == name { #expect(output.contains("ALPN protocol: \(name)")) }
                }
            }
            try await appliance.stop()
        }

        @Test("A session of one service is resumed there, and at no other (ALPACA)", arguments: ["-tls1_2", "-tls1_3"])
        func sessions(_ version: String) async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let file = appliance.folder + "/session"
            func connect(_ service: String, _ more: [String]) async throws -> String {
                // Until the server hangs up, for tickets of TLS 1.3 come behind the handshake.
                try await Program.run(
                    "openssl",
                    [
                        "s_client", "-connect", "127.0.0.1:\(appliance.port(service))", "-servername", "localhost",
                        "-ign_eof", "-nocommands", version,
                    ] + more,
                    input: service == "imaps" ? "a LOGOUT\r\n" : "QUIT\r\n"
                ).output
            }
            for (service, other) in [("imaps", "submissions"), ("submissions", "imaps")] {
                #expect(try await connect(service, ["-sess_out", file]).contains("New, TLSv1."))
                let again = try await connect(service, ["-sess_in", file])
                #expect(again.contains("Reused, TLSv1."), "\(again)")
                let elsewhere = try await connect(other, ["-sess_in", file])
                #expect(elsewhere.contains("New, TLSv1.") && !elsewhere.contains("Reused, "), "\(elsewhere)")
            }
            try await appliance.stop()
        }

        @Test("A browser that was led to a port of mail is hung up on, and gets nothing of its own back")
        func browsers() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let request = "POST /<script>alert(1)</script> HTTP/1.1\r\nHost: x\r\n\r\nEHLO <script>\r\n"
            for (service, farewell) in [("submissions", "554 5.5.1"), ("imaps", "* BYE")] {
                // It ends when the server hangs up.
                let output = try await Program.run(
                    "sh",
                    [
                        "-c",
                        "cat - | openssl s_client -quiet -connect 127.0.0.1:\(appliance.port(service)) 2>&1",
                    ],
                    input: request
                ).output
                #expect(output.contains(farewell), "\(output)")
                #expect(!output.contains("script"), "\(output)")
            }
            for (service, farewell) in [("smtp", "554 5.5.1"), ("submission", "554 5.5.1"), ("imap", "* BYE")] {
                let wire = try Wire(port: appliance.port(service))
                try wire.send(request)
                var lines: [String] = []
                while let line = try wire.line() { lines.append(line) }
                #expect(lines.contains { $0.hasPrefix(farewell) }, "\(lines)")
                #expect(!lines.contains { $0.contains("script") }, "\(lines)")
            }
            try await appliance.stop()
        }
    }
}
