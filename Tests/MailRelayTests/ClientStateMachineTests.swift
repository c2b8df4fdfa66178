// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms
import SMTPSyntax
import Testing

@testable import MailRelay

/// The dialogue as a value: replies in, commands out.
@Suite("RFC 5321 §3") struct ClientStateMachineTests {
    // MARK: Greeting and EHLO

    @Test(
        arguments: [
            ("220 hello", nil), ("554 5.7.1 no", true), ("521 no mail here", true), ("421 busy", false),
            ("450 later", false), ("354 what?", false),
        ] as [(String, Bool?)]
    ) func greetings(reply: String, isPermanent: Bool?) throws {
        var dialogue = Dialogue()
        try dialogue.hear(reply)
        #expect(dialogue.take() == (isPermanent == nil ? ["EHLO mx.example.org"] : ["[failed]"]))
        #expect(dialogue.failure?.isPermanent == isPermanent)
    }

    @Test(arguments: ["500 what?", "501 what?", "502 not implemented", "503 bad", "504 what?"])
    func heloIfEhloIsUnknown(reply: String) throws {
        var dialogue = Dialogue()
        try dialogue.hear("220 hello", reply, "250 mx.example.net")
        #expect(dialogue.take() == ["EHLO mx.example.org", "HELO mx.example.org", "[ready]"])
        try dialogue.begin("a@example.net") { $0.isEightBit = true }
        #expect(dialogue.take() == ["MAIL FROM:<ann@example.org>"], "nothing is offered")
    }

    @Test(arguments: [
        ("550 5.7.1 blocked", true), ("554 no", true), ("421 busy", false), ("450 later", false), ("354 x", false),
    ]) func refusedAtEhlo(reply: String, isPermanent: Bool) throws {
        for isBasic in [false, true] {
            var dialogue = Dialogue()
            try dialogue.hear("220 hello")
            if isBasic { try dialogue.hear("502 what?") }
            try dialogue.hear(reply)
            #expect(dialogue.said.last == "[failed]")
            #expect(dialogue.failure?.isPermanent == isPermanent)
        }
    }

    @Test func repliesThatNobodyAskedFor() throws {
        var dialogue = try Dialogue.ready()
        try dialogue.hear("250 ok")
        #expect(dialogue.take() == ["[failed]"])
        #expect(dialogue.failure?.cause == .outOfStep)
    }

    // MARK: STARTTLS

    @Test func startTLS() throws {
        var dialogue = Dialogue()
        try dialogue.hear("220 hello", "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS", "220 go")
        #expect(dialogue.take() == ["EHLO mx.example.org", "STARTTLS", "[TLS]", "EHLO mx.example.org"])
        try dialogue.hear("250-mx\r\n250 STARTTLS")
        #expect(dialogue.take() == ["[ready]"], "not a second time")
        #expect(dialogue.machine.server?.authenticationMechanisms == [], "what was said in clear text is forgotten")
    }

    @Test(arguments: ["454 4.7.0 not now", "502 what?", "554 no"]) func startTLSRefused(reply: String) throws {
        var dialogue = Dialogue()
        try dialogue.hear("220 hello", "250-mx\r\n250 STARTTLS", reply)
        #expect(dialogue.take().last == "[ready]")
        var strict = Dialogue(security: .required)
        try strict.hear("220 hello", "250-mx\r\n250 STARTTLS", reply)
        #expect(strict.take().last == "[failed]")
        #expect(strict.failure?.cause == .noTLS)
    }

    /// STARTTLS stripped.
    @Test func requiredTLSNotOffered() throws {
        for greeting in ["250 mx", "502 what?"] {
            var dialogue = Dialogue(security: .required)
            try dialogue.hear("220 hello", greeting)
            if greeting.hasPrefix("502") { try dialogue.hear("250 mx") }
            #expect(dialogue.failure?.cause == .noTLS)
            #expect(dialogue.failure?.isPermanent == false)
        }
    }

    @Test func clearTextAfterTLSFailed() throws {
        var dialogue = Dialogue(security: .asIs)
        try dialogue.hear("220 hello", "250-mx\r\n250 STARTTLS")
        #expect(dialogue.take() == ["EHLO mx.example.org", "[ready]"])
    }

    // MARK: AUTH

    private func login(_ password: String = "secret") throws -> ClientLogin {
        ClientLogin(user: "ann", password: try #require(Password(password)))
    }

    @Test func plain() throws {
        var dialogue = Dialogue(login: try self.login(), isSecure: true)
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH LOGIN PLAIN")
        #expect(dialogue.take().last == "AUTH PLAIN AGFubgBzZWNyZXQ=")
        try dialogue.hear("235 2.7.0 ok")
        #expect(dialogue.take() == ["[ready]"])
    }

    /// RFC 4954 §4: an initial response that makes the line too long is not sent along.
    @Test func plainWithALongPassword() throws {
        var dialogue = Dialogue(login: try self.login(String(repeating: "p", count: 400)), isSecure: true)
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH PLAIN")
        #expect(dialogue.take().last == "AUTH PLAIN")
        try dialogue.hear("334 ")
        #expect(dialogue.take().last?.utf8.count == 540)
        try dialogue.hear("235 ok")
        #expect(dialogue.take() == ["[ready]"])
    }

    @Test func loginMechanism() throws {
        var dialogue = Dialogue(login: try self.login(), isSecure: true)
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH LOGIN", "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 ok")
        #expect(dialogue.take() == ["EHLO mx.example.org", "AUTH LOGIN", "YW5u", "c2VjcmV0", "[ready]"])
    }

    /// A server that says 235 before it has proved anything is not believed.
    @Test func scramDemandsProof() throws {
        var dialogue = Dialogue(login: try self.login(), isSecure: true)
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH PLAIN SCRAM-SHA-256")
        #expect(dialogue.take().last?.hasPrefix("AUTH SCRAM-SHA-256 ") == true)
        try dialogue.hear("235 ok")
        #expect(dialogue.failure?.cause == .login)
    }

    @Test(arguments: ["334 !", "334 YQ==", "334 =", "334"]) func nonsenseIsCancelled(challenge: String) throws {
        var dialogue = Dialogue(login: try self.login(), isSecure: true)
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH SCRAM-SHA-256", challenge)
        #expect(dialogue.take().last == "*")
        try dialogue.hear("235 ok")
        #expect(dialogue.failure?.cause == .login, "whatever the server says then")
    }

    @Test(arguments: ["535 5.7.8 wrong", "454 4.7.0 later", "504 unknown"]) func loginFails(reply: String) throws {
        var dialogue = Dialogue(login: try self.login(), isSecure: true)
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH PLAIN", reply)
        #expect(dialogue.failure?.cause == .login)
        #expect(dialogue.failure?.isPermanent == false, "the settings' fault is not the message's")
    }

    @Test func noLoginWithoutTLS() throws {
        var dialogue = Dialogue(login: try self.login())
        try dialogue.hear("220 hello", "250-mx\r\n250 AUTH PLAIN")
        #expect(dialogue.take() == ["EHLO mx.example.org", "[failed]"])
        var allowed = Dialogue(security: .asIs, login: try self.login(), allowsPlaintext: true)
        try allowed.hear("220 hello", "250-mx\r\n250 AUTH PLAIN", "235 ok")
        #expect(allowed.take().last == "[ready]")
    }

    @Test(arguments: ["250 mx", "250-mx\r\n250 AUTH CRAM-MD5 GSSAPI"]) func noMechanism(reply: String) throws {
        var dialogue = Dialogue(login: try self.login(), isSecure: true)
        try dialogue.hear("220 hello", reply)
        #expect(dialogue.failure?.cause == .login)
    }
}
