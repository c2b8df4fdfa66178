// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 5321 §2.2.2: what is announced, understood and accepted follows from one list.
@Suite("RFC 5321 §2.2.2") struct ExtensionTableTests {
    @Test("No verb and no parameter has two meanings")
    func uniqueness() {
        let commands = (ExtensionTable.base + ExtensionTable.extensions.flatMap { $0.commands }).map { $0.name }
        #expect(Set(commands).count == commands.count)
        #expect(commands.sorted() == ExtensionTable.verbs)
        let mail = ExtensionTable.extensions.flatMap { $0.mailParameters.keys }
        #expect(Set(mail).count == mail.count)
        let rcpt = ExtensionTable.extensions.flatMap { $0.rcptParameters.keys }
        #expect(Set(rcpt).count == rcpt.count)
        for word in commands + mail + rcpt + ExtensionTable.extensions.map({ $0.keyword }) {
            #expect(word == word.uppercased())
        }
    }

    @Test("Parameters of what is not offered are refused")
    func notOffered() async throws {
        let fixture = try await Fixture()
        // AUTH= belongs to an extension that another server is not offered (RFC 4954 §5).
        try await fixture.connect(.exchange, peer: .secure) { client in
            try await client.ask("EHLO client.example.com")
            #expect(try await client.ask("MAIL FROM:<eve@example.net> AUTH=<>").hasPrefix("555 "))
        }
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            #expect(try await client.ask("MAIL FROM:<ann@example.org> AUTH=<>").hasPrefix("250 "))
        }
        try await fixture.close()
    }
}
