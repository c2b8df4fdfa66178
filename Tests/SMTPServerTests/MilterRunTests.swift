// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// What filters want, in sessions of each role.
@Suite("Filters of a session") struct MilterRunTests {
    private static func deliver(
        _ changes: [(Character, String)],
        roles: Set<SMTPRole> = Set(SMTPRole.allCases),
        messages: Int = 1
    ) async throws -> [String] {
        let fixture = try await Fixture(filters: TestFilter.policy(changes, roles: roles))
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            for _ in 0..<messages {
                try await client.begin(to: "ann@example.org")
                try await client.ask("DATA")
                #expect(try await client.ask("Subject: a\r\nX: 1\r\n\r\nHi\r\n.").hasPrefix("250 "))
            }
        }
        let texts = try await fixture.inbox(of: fixture.ann).map { String(decoding: $0, as: UTF8.self) }
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
        return texts
    }

    @Test("One conversation is for all messages of a session") func several() async throws {
        let texts = try await Self.deliver([("h", "X-A\0b\0")], messages: 3)
        #expect(texts.count == 3)
        #expect(texts.allSatisfy { $0.hasPrefix("Return-Path: <eve@example.net>\r\nX-A: b\r\nReceived: ") })
        #expect(texts.allSatisfy { $0.hasSuffix("\r\nSubject: a\r\nX: 1\r\n\r\nHi\r\n") })
    }

    @Test("A changed header, and one with nothing left") func changed() async throws {
        let texts = try await Self.deliver([("m", "\0\0\0\u{1}subject\0b\0")])
        #expect(texts.first?.hasSuffix("\r\nsubject: b\r\nX: 1\r\n\r\nHi\r\n") == true, "\(texts)")
        let empty = try await Self.deliver([("m", "\0\0\0\u{1}Subject\0\0"), ("m", "\0\0\0\u{1}X\0\0")])
        #expect(empty.first?.contains("Subject") == false)
        #expect(empty.first?.hasSuffix("+0000\r\n\r\nHi\r\n") == true, "\(empty)")
    }

    @Test("Nobody asks a filter about mail that is not for it") func otherRole() async throws {
        let texts = try await Self.deliver([("h", "X-A\0b\0")], roles: [.submission])
        #expect(texts.first?.contains("X-A") == false)
    }

    @Test("More fields than there is room for are no filter's: its setting says what follows") func tooMuch()
        async throws
    {
        let many = (0..<30).map { ("h" as Character, "X-\($0)\0\(String(repeating: "x", count: 900))\0") }
        let fixture = try await Fixture(filters: TestFilter.policy(many))
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(to: "ann@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: a\r\n\r\nHi\r\n.").hasPrefix("451 4.3.0 "))
            // The next one begins with a new conversation.
            try await client.begin(to: "ann@example.org")
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }
}
