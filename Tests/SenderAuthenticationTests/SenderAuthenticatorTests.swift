// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import SenderAuthentication

@Suite("A message on its way in") struct SenderAuthenticatorTests {
    private static let message = "From: Ann <ann@example.com>\r\nTo: bob@example.org\r\n\r\nHi\r\n.\r\n"

    private static func names() throws -> FixedNames {
        var names = try TestKeys.names()
        names.zone["example.com"] = [.txt(octets("v=spf1 ip4:192.0.2.1 -all"))]
        names.zone["_dmarc.example.com"] = [.txt(octets("v=DMARC1; p=reject"))]
        return names
    }

    private static func verdict(
        _ message: [UInt8],
        address: String = "192.0.2.1",
        reversePath: (localPart: String, domain: String)? = ("ann", "example.com"),
        size: Int = .max
    ) async throws -> AuthenticationVerdict {
        let authenticator = SenderAuthenticator(
            names: try self.names(),
            suffixes: PublicSuffixList(),
            authservID: "mx.example.org"
        )
        var authentication = authenticator.message(
            from: try IPAddress(parsing: address),
            reversePath: reversePath,
            helo: "mail.example.com"
        )
        var rest = message[...]
        while !rest.isEmpty {
            authentication.update(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return await authentication.finish(unixTime: 1_600_000_000, lot: 0)
    }

    private static func signed() throws -> [UInt8] {
        let message = TestMessage(Self.message)
        var signer = DKIMSigner(
            header: message.header[...],
            DKIMSigner.Settings(domain: try TestKeys.required(TestKeys.domain))
        )
        signer.update(message.body[...])
        return try signer.finish(keys: try TestKeys.keys(), unixTime: 1_600_000_000) + octets(Self.message)
    }

    @Test("A message of its domain, in pieces of any size", arguments: [Int.max, 1, 2, 3, 7, 100])
    func good(size: Int) async throws {
        let verdict = try await Self.verdict(try Self.signed(), size: size)
        #expect(verdict.spf.result == .pass)
        #expect(verdict.dkim.map(\.result) == [.pass, .pass])
        #expect(verdict.dmarc.result == .pass)
        #expect(verdict.results.methods.map(\.method) == ["spf", "dkim", "dkim", "dmarc"])
    }

    @Test("A message of somebody else") func forged() async throws {
        let verdict = try await Self.verdict(octets(Self.message), address: "198.51.100.1")
        #expect(verdict.dmarc.disposition == .reject)
        #expect(
            String(decoding: verdict.results.field, as: UTF8.self) == """
                Authentication-Results: mx.example.org;\r
                \tspf=fail\r
                \t smtp.mailfrom=example.com;\r
                \tdkim=none;\r
                \tdmarc=fail reason="no aligned SPF or DKIM passes"\r
                \t header.from=example.com\r
                \t policy.dmarc=reject\r

                """
        )
    }

    @Test("Forwarded: SPF fails, the signature holds") func forwarded() async throws {
        let verdict = try await Self.verdict(
            try Self.signed(),
            address: "198.51.100.1",
            reversePath: ("list", "example.net")
        )
        #expect(verdict.spf.result == .none)
        #expect(verdict.dmarc.result == .pass)
    }

    @Test("A null reverse-path: SPF is of the HELO name") func null() async throws {
        let verdict = try await Self.verdict(octets(Self.message), reversePath: nil)
        #expect(verdict.identity.kind == .helo)
        #expect(verdict.results.methods.first?.properties.first?.name == "helo")
    }

    @Test("A message without a body, or without anything") func empty() async throws {
        #expect(try await Self.verdict(octets("From: a@example.com\r\n")).dmarc.result == .pass)
        #expect(try await Self.verdict([]).dmarc.result == .permerror)
        #expect(try await Self.verdict(octets("\r\nFrom: a@example.com\r\n")).dmarc.result == .permerror)
    }

    @Test("What hides behind a header without end hides nothing") func tooLong() async throws {
        let padding = octets(Array(repeating: "X: \(String(repeating: "a", count: 70))\r\n", count: 20_000).joined())
        let verdict = try await Self.verdict(octets("From: a@example.com\r\n") + padding + octets("\r\n"), size: 65_536)
        #expect(verdict.dmarc.result == .permerror)
        #expect(verdict.dmarc.disposition == .reject)
    }
}
