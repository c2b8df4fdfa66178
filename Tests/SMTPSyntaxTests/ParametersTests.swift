// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

private func parameters(_ text: String, allowsUTF8: Bool = false) throws -> Parameters {
    try parse(text.isEmpty ? "" : " " + text, allowsUTF8: allowsUTF8) { try $0.parameters() }
}

@Suite("RFC 5321 §4.1.2 esmtp-param") struct ParametersTests {
    @Test("Keywords are found in any case, in their order")
    func keywords() throws {
        let parameters = try parameters("size=1 X-y=a+b BODY=7bit")
        #expect(parameters.keywords == ["SIZE", "X-Y", "BODY"])
        #expect(parameters["X-Y"]?.value == "a+b")
        #expect(parameters["NONE"] == nil)
    }

    @Test("What is not there is nil, and not an error")
    func absent() throws {
        let none = try parameters("")
        #expect(try none.size() == nil)
        #expect(try none.body() == nil)
        #expect(try !none.smtpUTF8())
        #expect(try !none.requireTLS())
        #expect(try none.returnContent() == nil)
        #expect(try none.envelopeIdentifier() == nil)
        #expect(try none.authenticatedSender() == nil)
        #expect(try none.notify() == nil)
        #expect(try none.originalRecipient() == nil)
    }

    @Test(
        "RFC 1870 §6 SIZE",
        arguments: [
            ("0", 0), ("00000000000000001000", 1_000), ("9223372036854775808", 1 << 63), ("99999999999999999999", .max),
        ] as [(String, UInt64)]
    )
    func size(value: String, octets: UInt64) throws {
        #expect(try parameters("SIZE=\(value)").size() == octets)
    }

    @Test(
        "RFC 6152, RFC 3030 §3 BODY",
        arguments: [
            ("7BIT", .sevenBit), ("8bitmime", .eightBitMIME), ("BinaryMIME", .binaryMIME),
        ] as [(String, BodyType)]
    )
    func body(value: String, body: BodyType) throws {
        #expect(try parameters("BODY=\(value)").body() == body)
    }

    @Test(
        "RFC 3461 §4.1 NOTIFY",
        arguments: [
            ("NEVER", []), ("never", []), ("SUCCESS", .success),
            ("Success,FAILURE,delay", [.success, .failure, .delay]),
            ("DELAY,DELAY", .delay),
        ] as [(String, NotifyConditions)]
    )
    func notify(value: String, conditions: NotifyConditions) throws {
        #expect(try parameters("NOTIFY=\(value)").notify() == conditions)
        #expect(NotifyConditions(value: conditions.value) == conditions)
    }

    @Test(
        "RFC 3461 §4.4 ENVID",
        arguments: [
            ("QQ314159", "QQ314159"), ("a+20b+2B+3D", "a b+="),
            (String(repeating: "x", count: 100), String(repeating: "x", count: 100)),
        ]
    )
    func envelopeIdentifier(value: String, identifier: String) throws {
        #expect(try parameters("ENVID=\(value)").envelopeIdentifier() == identifier)
        #expect(Parameter.envelopeIdentifier(identifier) == Parameter("ENVID", value))
    }

    @Test(
        "RFC 4954 §5 AUTH",
        arguments: [
            ("<>", .null), ("a@b", .address(EmailAddress("a", "b"))),
            ("e+2Bmc2@example.com", .address(EmailAddress("e+mc2", "example.com"))),
            (#""a+20b"@c"#, .address(EmailAddress("a b", "c"))),
        ] as [(String, Path)]
    )
    func authenticatedSender(value: String, path: Path) throws {
        #expect(try parameters("AUTH=\(value)").authenticatedSender() == path)
        #expect(Parameter.authenticatedSender(path.address) == Parameter("AUTH", value))
    }

    @Test("Flags and RET")
    func flags() throws {
        let parameters = try parameters("SMTPUTF8 requiretls RET=hdrs")
        #expect(try parameters.smtpUTF8())
        #expect(try parameters.requireTLS())
        #expect(try parameters.returnContent() == .headers)
    }

    @Test(
        "Values that their RFC does not know are refused",
        arguments: [
            "SIZE", "SIZE=x", "SIZE=-1", "SIZE=+1", "SIZE=1e3", "SIZE=100000000000000000000", "BODY", "BODY=9BIT",
            "SMTPUTF8=1", "REQUIRETLS=yes", "RET",
            "RET=BODY", "ENVID", "ENVID=a+0Ab", "ENVID=a+0D+0A", "ENVID=+00", "ENVID=+", "ENVID=a+2", "ENVID=a+2b",
            "ENVID=a+E9",
            "ENVID=\(String(repeating: "x", count: 101))", "AUTH", "AUTH=a", "AUTH=<a@b>", "AUTH=a+0A@b", "AUTH=a@b+20",
            "NOTIFY", "NOTIFY=ALWAYS",
            "NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS,NEVER", "NOTIFY=,", "NOTIFY=SUCCESS,", "ORCPT", "ORCPT=a@b",
            "ORCPT=;a@b", "ORCPT=rfc822;",
            "ORCPT=rfc822;a+0A@b", "ORCPT=rf c", "ORCPT=rfc822;\(String(repeating: "x", count: 494))",
            "ORCPT=utf-8;\\x{D800}", "ORCPT=utf-8;\\x{A}",
            "ORCPT=utf-8;\\x{110000}", "ORCPT=utf-8;\\y", "ORCPT=utf-8;\\x{}", "ORCPT=utf-8;\\x{E9",
            "ORCPT=utf-8;\\x{-9}",
            "ORCPT=utf-8;\\x{00000000E9}",
        ]
    )
    func rejects(text: String) {
        #expect(throws: SyntaxError.self) {
            let parameters = try parameters(text)
            _ = try (parameters.size(), parameters.body(), parameters.smtpUTF8(), parameters.requireTLS())
            _ = try (parameters.returnContent(), parameters.envelopeIdentifier(), parameters.authenticatedSender())
            _ = try (parameters.notify(), parameters.originalRecipient())
        }
    }

    @Test("RFC 6531 §3.3: UTF-8 in values only where SMTPUTF8 is offered")
    func unicodeValues() throws {
        #expect(throws: SyntaxError.self) { try parameters("ORCPT=utf-8;\u{E9}@b") }
        #expect(try parameters("ORCPT=utf-8;\u{E9}@b", allowsUTF8: true).originalRecipient()?.address == "\u{E9}@b")
        #expect(
            try parameters("AUTH=\u{E9}@b", allowsUTF8: true).authenticatedSender()
                == .address(EmailAddress("\u{E9}", "b"))
        )
        #expect(throws: SyntaxError.self) { try parameters("ENVID=\u{E9}", allowsUTF8: true).envelopeIdentifier() }
    }

    @Test(
        "An identifier that cannot be an ENVID is none",
        arguments: ["", "\u{E9}", String(repeating: " ", count: 34)]
    )
    func noEnvelopeIdentifier(identifier: String) {
        #expect(Parameter.envelopeIdentifier(identifier) == nil)
    }
}

@Suite("RFC 3461 §4.2 ORCPT") struct OriginalRecipientTests {
    @Test(
        "Value, type and address",
        arguments: [
            ("rfc822;Bob@Example.COM", "rfc822", "Bob@Example.COM"), ("RFC822;a+2Bb@c", "rfc822", "a+b@c"),
            ("x400;/C=+20".replacing("=", with: "+3D"), "x400", "/C= "),
            (#"utf-8;\x{E9}@b"#, "utf-8", "\u{E9}@b"), (#"UTF-8;a\x{2B}\x{5C}\x{1F4EC}"#, "utf-8", "a+\\\u{1F4EC}"),
            ("utf-8;\u{E9}@b", "utf-8", "\u{E9}@b"),
        ]
    )
    func value(value: String, addressType: String, address: String) throws {
        let recipient = try OriginalRecipient(value: value)
        #expect(recipient.addressType == addressType)
        #expect(recipient.address == address)
        #expect(recipient.value.utf8.allSatisfy { $0 < 0x80 })
        #expect(try OriginalRecipient(value: recipient.value) == recipient)
    }

    @Test("The recipient of a submission is passed on with the type of its address")
    func submission() {
        #expect(OriginalRecipient(EmailAddress("a+b", "c")).value == "rfc822;a+2Bb@c")
        #expect(OriginalRecipient(EmailAddress("\u{E9}", "c")).value == #"utf-8;\x{E9}@c"#)
    }
}

@Suite("RFC 3461 §4 xtext") struct XTextTests {
    @Test("Everything printable comes back", arguments: 0x20...0x7E)
    func roundTrip(code: UInt8) throws {
        let text = "a" + String(UnicodeScalar(code)) + "b"
        let value = XText.encode(text)
        #expect(!value.utf8.contains { $0 == 0x20 || $0 == 0x3D })
        #expect(try XText.decode(value) == text)
        _ = Parameter("X", value)
    }

    @Test(
        "Encoding",
        arguments: [("", ""), ("a+b=c d", "a+2Bb+3Dc+20d"), ("\t\u{7F}", "+09+7F"), ("\u{E9}", "\u{E9}")]
    )
    func encode(text: String, value: String) {
        #expect(XText.encode(text) == value)
    }

    @Test(
        "Decoding rejects",
        arguments: ["+", "+2", "+2b", "+GG", "+0A", "+7F", "+80", "+FF", "a=b", "a b", "a\n", "++"]
    )
    func decodeRejects(value: String) {
        #expect(throws: SyntaxError.self) { try XText.decode(value) }
    }
}
