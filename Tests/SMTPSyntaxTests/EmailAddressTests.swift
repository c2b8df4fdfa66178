// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5321 §4.1.2 Mailbox as a value") struct EmailAddressTests {
    @Test(
        "Parsing and writing",
        arguments: [
            ("a@b", "a", "b", "a@b"),
            ("A@Example.COM", "A", "example.com", "A@example.com"),
            (#""a b"@c"#, "a b", "c", #""a b"@c"#),
            (#""ab"@c"#, "ab", "c", "ab@c"),
            ("用户@例子.广告", "用户", "例子.广告", "用户@例子.广告"),
            ("a@[IPv6:2001:DB8::1]", "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"),
        ]
    )
    func parsing(text: String, localPart: String, domain: String, written: String) throws {
        let address = try EmailAddress(parsing: text)
        #expect(address.localPart == localPart)
        #expect(address.domain == domain)
        #expect(address.description == written)
        #expect(try EmailAddress(parsing: written) == address)
        #expect(try EmailAddress(localPart: localPart, domain: domain) == address)
    }

    @Test(
        "Parsing rejects",
        arguments: [
            "", "a", "@b", "a@", " a@b", "a@b ", "<a@b>", "a@b,c@d", "A <a@b>", "a@b\n", "a\0@b", #""@b"#, #"""@b"#,
            "a@b@c", "a@b.",
        ]
    )
    func parsingRejects(text: String) {
        #expect(throws: SyntaxError.self) { try EmailAddress(parsing: text) }
    }

    @Test(
        "S-19: parts that would be more than an address are refused",
        arguments: [
            ("", "b"), ("a\r\nDATA", "b"), ("a\0", "b"), ("a\u{85}", "b"), ("a", ""), ("a", "b>\r\nDATA"), ("a", "b c"),
            ("a", "b@c"),
            ("a", "b> SIZE=1"), (String(repeating: "a", count: 65), "b"),
        ]
    )
    func partsReject(localPart: String, domain: String) {
        #expect(throws: SyntaxError.self) { try EmailAddress(localPart: localPart, domain: domain) }
    }

    @Test("Any printable local part can be written and read again", arguments: 0x20...0x7E)
    func everyCharacter(code: UInt8) throws {
        let character = String(UnicodeScalar(code))
        for localPart in [character, "a" + character, character + "a", "a" + character + "b", character + character] {
            let address = try EmailAddress(localPart: localPart, domain: "example.com")
            #expect(address.localPart == localPart)
            #expect(try EmailAddress(parsing: address.description) == address)
        }
    }

    @Test("The case of a domain does not matter, that of a local part does")
    func equality() throws {
        #expect(try EmailAddress(parsing: "a@B") == EmailAddress(parsing: "a@b"))
        #expect(try EmailAddress(parsing: "A@b") != EmailAddress(parsing: "a@b"))
    }
}
