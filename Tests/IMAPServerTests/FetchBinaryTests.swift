// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §6.4.5, RFC 3516 BINARY")
struct FetchBinaryTests {
    private func single(_ encoding: String, _ body: String) -> FetchFixture {
        FetchFixture("Content-Type: image/gif\nContent-Transfer-Encoding: \(encoding)\n\n\(body)")
    }

    @Test(
        "decoded, and BINARY.SIZE is its size",
        arguments: [
            ("base64", "aGVs\nbG8=\n", "{5}\r\nhello"), ("BASE64", "", "{0}\r\n"),
            ("quoted-printable", "caf=C3=A9=\n!\n", "{8}\r\ncaf\u{C3}\u{A9}!\r\n"),
            ("7bit", "a=20b", "{5}\r\na=20b"), ("8bit", "x", "{1}\r\nx"), ("binary", "x", "{1}\r\nx"),
            // NUL: only literal8 may have it.
            ("base64", "QQBC", "~{3}\r\nA\u{0}B"), ("quoted-printable", "A=00", "~{2}\r\nA\u{0}"),
        ] as [(String, String, String)]
    )
    func decodes(_ encoding: String, _ body: String, _ expected: String) async throws {
        let fixture = self.single(encoding, body)
        let size = expected.prefix { $0 != "}" }.drop { !$0.isNumber }
        #expect(
            try await fixture.item("(BINARY[1] BINARY.SIZE[1])") == "BINARY[1] \(expected) BINARY.SIZE[1] \(size)"
        )
        #expect(try await fixture.item("BINARY.PEEK[1]") == "BINARY[1] \(expected)")
    }

    @Test(
        "partial counts decoded octets, and the label has the origin",
        arguments: [
            ("BINARY[1]<1.3>", "BINARY[1]<1> {3}\r\nell"), ("BINARY.PEEK[1]<0.100>", "BINARY[1]<0> {5}\r\nhello"),
            ("BINARY[1]<5.1>", "BINARY[1]<5> {0}\r\n"), ("BINARY[1]<99.1>", "BINARY[1]<99> {0}\r\n"),
        ] as [(String, String)]
    )
    func partial(_ item: String, _ expected: String) async throws {
        #expect(try await self.single("base64", "aGVsbG8=").item(item) == expected)
    }

    @Test(
        "what cannot be decoded is refused with UNKNOWN-CTE",
        arguments: [
            ("x-uuencode", "begin"), ("base64", "a*Vs"), ("base64", "aGVsbG8"), ("base64", "aGVs\n-- \nfooter!"),
        ] as [(String, String)]
    )
    func refuses(_ encoding: String, _ body: String) async throws {
        let fixture = self.single(encoding, body)
        for item in ["BINARY[1]", "BINARY.PEEK[1]<0.1>", "BINARY.SIZE[1]"] {
            let error = await #expect(throws: Refusal.self) { try await fixture.fetch(item) }
            #expect(error?.code == .unknownCTE)
            #expect(error?.isBad == false)
        }
        #expect(try await fixture.item("BODY.PEEK[1]").hasSuffix(body.replacing("\n", with: "\r\n")))
    }

    @Test("other messages are answered before the refusal")
    func refusesOne() async throws {
        func message(_ encoding: String) -> [UInt8] {
            octets("Content-Type: image/gif\nContent-Transfer-Encoding: \(encoding)\n\naaaa")
        }
        let fixture = FetchFixture([message("base64"), message("x-a"), message("7bit")])
        await #expect(throws: Refusal.self) { try await fixture.fetch("BINARY.SIZE[1]") }
        #expect(
            try await fixture.fetch("BINARY.SIZE[1]", uids: [10, 30]).text
                == "* 1 FETCH (BINARY.SIZE[1] 3)\r\n* 3 FETCH (BINARY.SIZE[1] 4)\r\n"
        )
    }

    @Test("quoted-printable that is not quite right is decoded as well as it goes")
    func damagedQuotedPrintable() async throws {
        #expect(try await self.single("quoted-printable", "100% =ZZ").item("BINARY[1]") == "BINARY[1] {8}\r\n100% =ZZ")
    }

    @Test("what is not there, and what is no leaf")
    func others() async throws {
        let fixture = FetchFixture(
            """
            Content-Type: multipart/mixed; boundary=b
            Content-Transfer-Encoding: base64

            --b
            Content-Type: message/rfc822

            A: b

            c
            --b--
            """
        )
        #expect(try await fixture.item("(BINARY[2] BINARY.SIZE[2])") == "BINARY[2] NIL BINARY.SIZE[2] 0")
        #expect(try await fixture.item("BINARY[1]") == "BINARY[1] {9}\r\nA: b\r\n\r\nc")
        #expect(try await fixture.item("BINARY[1.1]") == "BINARY[1.1] {1}\r\nc")
        let whole = try await fixture.item("BODY.PEEK[]").dropFirst("BODY".count)
        #expect(try await fixture.item("BINARY[]") == "BINARY" + whole)
    }

    @Test("a large part is decoded piece by piece")
    func large() async throws {
        let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let message =
            octets("Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\n")
            + MailMessage.Base64.encode(content)
        let fixture = FetchFixture([message])
        let (pieces, _) = try await fixture.pieces("BINARY.PEEK[1]")
        #expect(pieces.allSatisfy { $0.count < 512 * 1024 })
        let start = Array("* 1 FETCH (BINARY[1] ~{1000000}\r\n".utf8)
        #expect(Array(pieces.joined()) == start + content + Array(")\r\n".utf8))
    }
}
