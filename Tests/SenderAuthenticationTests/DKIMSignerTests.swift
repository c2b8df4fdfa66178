// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SenderAuthentication

@Suite("RFC 6376 §5: signing") struct DKIMSignerTests {
    private static let message = TestMessage(
        "From: Ann <ann@example.com>\nTo: bob@example.net\nSubject: Tea\nList-Id: <l.example.com>\n\n At  five. \n\n"
    )

    private static func signed(
        _ message: TestMessage = Self.message,
        size: Int = .max,
        change: (inout DKIMSigner.Settings) -> Void = { _ in }
    ) throws -> String {
        var settings = DKIMSigner.Settings(domain: try TestKeys.required(TestKeys.domain))
        change(&settings)
        var signer = DKIMSigner(header: message.header[...], settings)
        var rest = message.body[...]
        while !rest.isEmpty {
            signer.update(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return String(decoding: try signer.finish(keys: try TestKeys.keys(), unixTime: 1_600_000_000), as: UTF8.self)
    }

    @Test("Both algorithms, every canonicalization", arguments: Canonicalization.allCases, Canonicalization.allCases)
    func roundTrip(header: Canonicalization, body: Canonicalization) async throws {
        let fields = try Self.signed {
            $0.headerCanonicalization = header
            $0.bodyCanonicalization = body
        }
        let message = Self.message.adding(fields)
        #expect(await message.results(by: try TestKeys.names()) == [.pass, .pass])
        var altered = message
        altered.body.insert(UInt8(ascii: "!"), at: 1)
        #expect(await altered.results(by: try TestKeys.names()) == [.fail, .fail])
    }

    @Test("The same in, the same out, in pieces of any size") func deterministic() throws {
        let fields = try Self.signed()
        for size in [1, 2, 5] { #expect(try Self.signed(size: size) == fields) }
    }

    @Test("What the field says, in lines that are not long") func field() throws {
        let fields = try Self.signed { $0.lifetime = 600 }
        #expect(
            fields.hasPrefix(
                """
                DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r
                \td=example.com;\r
                \ts=rsa; t=1600000000; x=1600000600;\r
                \th=From:From:To:To:Cc:Subject:Subject:Date:Reply-To:Message-ID:\r
                \t In-Reply-To:References:MIME-Version:Content-Type:\r
                \t Content-Transfer-Encoding:Content-Disposition:List-Id;\r
                \tbh=
                """
            )
        )
        for line in fields.split(separator: "\r\n") { #expect(line.utf8.count <= 78) }
        #expect(!fields.contains("l="))
    }

    @Test(
        "A field that somebody adds breaks it",
        arguments: ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type"]
    )
    func oversigned(name: String) async throws {
        let message = Self.message.adding(try Self.signed())
        #expect(await message.results(by: try TestKeys.names()) == [.pass, .pass])
        #expect(await message.adding("\(name): x\r\n").results(by: try TestKeys.names()) == [.fail, .fail])
        var below = message
        below.header += octets("\(name): x\r\n")
        #expect(await below.results(by: try TestKeys.names()) == [.fail, .fail])
    }

    @Test("Expiry") func expiry() async throws {
        let message = Self.message.adding(try Self.signed { $0.lifetime = 600 })
        #expect(await message.results(by: try TestKeys.names(), at: 1_600_000_600) == [.pass, .pass])
        #expect(await message.results(by: try TestKeys.names(), at: 1_600_000_601) == [.fail, .fail])
    }

    @Test("Without From there is nothing to sign for") func noFrom() throws {
        #expect(throws: DKIMSigner.NoFromField.self) { try Self.signed(TestMessage("To: bob@example.net\n\nHi\n")) }
    }

    @Test("No body, and 8-bit octets") func bodies() async throws {
        for body in [[], [0xFF, 0xFE, 0x0D, 0x0A], octets(String(repeating: "x", count: 100_000))] {
            var message = Self.message
            message.body = body
            #expect(await message.adding(try Self.signed(message)).results(by: try TestKeys.names()) == [.pass, .pass])
        }
    }
}
