// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SASLMechanisms

@Suite("RFC 4616: PLAIN")
struct PlainTests {
    private func outcome(_ message: [UInt8]?) async throws -> SASLOutcome<Int> {
        var authenticator = try Directory.authenticator("PLAIN")
        return try await authenticator.start(initialResponse: message)
    }

    @Test(
        "§2: who gets in",
        arguments: [
            ("\0tim\0tanstaaftanstaaf", 2), ("tim\0tim\0tanstaaftanstaaf", 2), ("\0Ärger\0pä ß", 3),
            ("\0Ärger\0pä\u{A0}ß", 3), ("\0a,b=c\0x", 4), ("\0tim\0wrong", nil), ("\0nobody\0tanstaaftanstaaf", nil),
            ("\0tim\0tanstaaftanstaaf ", nil), ("\0TIM\0tanstaaftanstaaf", nil),
        ] as [(String, Int?)]
    )
    func credentials(_ message: String, _ identity: Int?) async throws {
        let outcome = try await self.outcome(octets(message))
        #expect(outcome.identity == identity)
        #expect(outcome.failure == (identity == nil ? .invalidCredentials : nil))
    }

    @Test("§4: to act as somebody else is denied, existing or not", arguments: ["user", "Ursel", "TIM", "\u{1}"])
    func authorization(_ name: String) async throws {
        let outcome = try await self.outcome(octets("\(name)\0tim\0tanstaaftanstaaf"))
        #expect(outcome.failure == .authorizationDenied)
    }

    @Test(
        "A-03: what is no message",
        arguments: [
            [], [0], [0, 0], [0, 0, 0], octets("tim"), octets("tim\0tanstaaftanstaaf"), octets("\0tim\0"),
            octets("\0\0x"), octets("\0tim\0a\0b"), octets("\0tim\0\0"), octets("\0ti\u{7}m\0x"),
            octets("\0tim\0x\r\n"), [0, 0xFF, 0, 0x78], [0, 0x78, 0, 0xC3], [0, 0x78, 0, 0xED, 0xA0, 0x80],
            [UInt8](repeating: 0, count: 9_000),
        ]
    )
    func malformed(_ message: [UInt8]) async throws {
        #expect(try await self.outcome(message).isMalformed)
    }

    @Test("A-03: 64 kB are refused before anything is done with them")
    func long() async throws {
        let message = [0] + octets("tim") + [0] + [UInt8](repeating: 0x61, count: 65_536)
        #expect(try await self.outcome(message).isMalformed)
        let allowed = [0] + octets("tim") + [0] + [UInt8](repeating: 0x61, count: 9_216 - 5)
        #expect(try await self.outcome(allowed).failure == .invalidCredentials)
    }

    @Test("Without initial response there is an empty challenge; after the end there is nothing")
    func challenge() async throws {
        var authenticator = try Directory.authenticator("plain")
        #expect(try await authenticator.start(initialResponse: nil).challenge == "")
        #expect(try await authenticator.respond(to: octets("\0user\0pencil")).identity == 1)
        #expect(try await authenticator.respond(to: octets("\0user\0pencil")).isMalformed)
    }
}

@Suite("LOGIN")
struct LoginTests {
    @Test("A-04: the challenges are exactly these")
    func challenges() async throws {
        var authenticator = try Directory.authenticator("LOGIN")
        #expect(try await authenticator.start(initialResponse: nil).challenge == "Username:")
        #expect(try await authenticator.respond(to: octets("tim")).challenge == "Password:")
        #expect(try await authenticator.respond(to: octets("tanstaaftanstaaf")).identity == 2)
        #expect(try await authenticator.respond(to: octets("tim")).isMalformed)
    }

    @Test("An initial response is the user's name", arguments: [("pencil", 1), ("pen", nil)] as [(String, Int?)])
    func initialResponse(_ password: String, _ identity: Int?) async throws {
        var authenticator = try Directory.authenticator("LOGIN")
        #expect(try await authenticator.start(initialResponse: octets("user")).challenge == "Password:")
        let outcome = try await authenticator.respond(to: octets(password))
        #expect(outcome.identity == identity)
        #expect(outcome.failure == (identity == nil ? .invalidCredentials : nil))
    }

    @Test("Empty and broken answers end it", arguments: [[], [0], [0xFF], octets("a\nb")])
    func malformed(_ answer: [UInt8]) async throws {
        var first = try Directory.authenticator("LOGIN")
        #expect(try await first.start(initialResponse: answer).isMalformed)
        #expect(try await first.respond(to: octets("x")).isMalformed)
        var second = try Directory.authenticator("LOGIN")
        _ = try await second.start(initialResponse: octets("user"))
        #expect(try await second.respond(to: answer).isMalformed)
    }
}
