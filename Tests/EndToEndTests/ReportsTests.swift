// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Reports between two servers of ours, with names from a name server.
    @Suite("Reports", .serialized) struct ReportsTests {
        private static func appliance(namesPort: Int, relay: String = "") async throws -> TestAppliance {
            try await TestAppliance(
                settings: """
                    senders:
                      exempt: []
                    reports:
                      organisation: "Somebody & sons"
                    relay:
                      resolver: 127.0.0.1@\(namesPort)
                      allow-private-addresses: true
                    \(relay)
                    """
            )
        }

        @Test("What one counts, it reports, signed; the other reads it and shows it; no report is about a report")
        func exchange() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "letterhouse-reports-\(UUID().uuidString)"
            )
            .path
            let namesPort = try ListeningPort.free()
            // Whose domain it is.
            let owner = try await Self.appliance(namesPort: namesPort)
            try await owner.command(["domain", "add", "remote.example"])
            try await owner.command(["alias", "add", "dmarc@remote.example", TestAppliance.address])
            #expect(try await owner.command(["reports"]) == "No reports have come.\n")
            // Who gets mail in its name.
            let reporter = try await Self.appliance(namesPort: namesPort, relay: "  port: \(owner.port("smtp"))")
            try await reporter.command([
                "dkim", "add", TestAppliance.domain, "--selector", "one", "--algorithm", "ed25519",
            ])
            try await reporter.command(["dkim", "start", TestAppliance.domain, "one-ed25519"])
            let names = try await NameServer(
                in: folder,
                zones: [
                    "example.org": """
                    @ TXT "v=spf1 -all"
                    _dmarc TXT "v=DMARC1; p=reject; rua=mailto:ann@example.org"
                    \(try await reporter.command(["dkim", "show", TestAppliance.domain]))
                    """,
                    "remote.example": """
                    @ MX 10 mx
                    mx A 127.0.0.1
                    @ TXT "v=spf1 ip4:127.0.0.1 -all"
                    _dmarc TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@remote.example!1m,mailto:x@elsewhere.example"
                    _smtp._tls TXT "v=TLSRPTv1; rua=mailto:dmarc@remote.example"
                    """,
                    "elsewhere.example": "@ TXT \"v=spf1 ip4:192.0.2.1 -all\"",
                ],
                port: namesPort
            )
            try await owner.start()
            try await reporter.start()
            for _ in 0..<3 {
                try await reporter.swaks(from: "eve@remote.example", data: "From: eve@remote.example\n\nHi\n")
            }
            try await reporter.swaks(from: "x@elsewhere.example", data: "From: boss@remote.example\n\nforged\n")
            // To one address only: elsewhere.example has not agreed to get any.
            #expect(try await reporter.command(["reports", "send"]) == "1 report is sent.\n")

            try await eventually("the report is read") {
                try await owner.command(["reports", "--json"]).contains("\"reporter\":\"example.org\"")
            }
            let list = try await owner.command(["reports"])
            #expect(list.contains(/(?m)^1   dmarc  remote\.example  example\.org .* 3       1$/), "\(list)")
            let shown = try await owner.command(["reports", "show", "1"])
            #expect(shown.hasPrefix("example.org (Somebody & sons) about mail in the name of remote.example\n"))
            #expect(shown.contains(/(?m)^0       1       127\.0\.0\.1  remote\.example, quarantine$/), "\(shown)")
            #expect(shown.contains(/(?m)^3       0       127\.0\.0\.1  remote\.example, none$/), "\(shown)")
            // It is in the mailbox too, signed.
            let message = try await owner.curl("INBOX;MAILINDEX=1").replacing("\r\n\t", with: " ")
            #expect(message.contains("; dkim=pass  header.d=example.org  header.s=one-ed25519 "), "\(message)")
            #expect(message.contains("; dmarc=pass  header.from=example.org"))
            #expect(message.contains("Subject: Report Domain: remote.example Submitter: example.org"))
            // The domain of the reporter asks for reports too, and gets none about its report.
            #expect(try await owner.command(["reports", "send"]) == "0 reports are sent.\n")

            // The report went over TLS, and the domain wants to hear of that; but not of how that report went.
            try await eventually("there is something to tell about TLS") {
                try await reporter.command(["reports", "send"]) == "1 report is sent.\n"
            }
            try await eventually("the second report is read") {
                try await owner.command(["reports", "--json"]).contains("\"kind\":\"tls\"")
            }
            let second = try await owner.command(["reports", "show", "2"])
            #expect(second.contains(/(?m)^1       0               no-policy-found$/), "\(second)")
            let carrier = try await owner.curl("INBOX;MAILINDEX=2").replacing("\r\n\t", with: " ")
            #expect(
                carrier.contains("; dkim=pass  header.d=example.org ") && carrier.contains("\r\nTLS-Required: No\r\n")
            )
            #expect(try await reporter.command(["reports", "send"]) == "0 reports are sent.\n")
            for appliance in [owner, reporter] {
                try await appliance.stop()
                try await appliance.verify()
            }
            withExtendedLifetime(names) {}
        }
    }
}
