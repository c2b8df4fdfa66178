// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPSyntax
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 5321 §7.8: never an open relay, whatever the form of the address and wherever the client comes from.
@Suite("RFC 5321 §7.8") struct RecipientPolicyTests {
    /// What has opened relays elsewhere: recipients that a lenient server takes for its own.
    static let recipients = [
        "<fred@example.net>", "<fred%example.net@example.org>", "<fred%example.net>", "<example.net!fred>",
        "<example.net!fred@example.org>", "<fred@example.net@example.org>", "<@example.org:fred@example.net>",
        "<@example.org,@other.example:fred@example.net>", "<\"fred@example.net\"@example.org>",
        "<\"fred%example.net\"@example.org>", "<\"fred@example.net\">", "<fred@[192.0.2.25]>",
        "<fred@[IPv6:2001:db8::25]>", "<\"fred@[192.0.2.25]\"@example.org>", "<@[192.0.2.1]:fred@example.net>",
        "<fred@EXAMPLE.NET>", "<fred@xn--exmple-cua.net>", "<fred@example.org.>", "<fred@example.net.>",
        "<fred@sub.example.org>", "<fred@example.org.example.net>", "<fred@eexample.org>", "<fred@localhost>",
        "<fred@mx.example.org>", "<fred@[127.0.0.1]>", "fred@example.net", "<fred@example.net\t>",
        "<fred@example.net(example.org)>", "<(example.org)fred@example.net>", "<fred@example.net> <ann@example.org>",
        "<ann@example.org,fred@example.net>", "<fred@example.net%example.org>",
    ]

    static let senders = ["<eve@example.net>", "<>", "<ann@example.org>", "<ann@mx.example.org>", "<eve@[192.0.2.7]>"]

    @Test("Mail for others is refused from whoever did not authenticate")
    func relaying() async throws {
        let fixture = try await Fixture { $0.errorLimit = 10_000 }
        let peers = [
            Peer(address: "192.0.2.7"), Peer.secure, Peer(address: "127.0.0.1", isLoopback: true),
            Peer(address: "2001:db8::7"),
        ]
        for role in [SMTPRole.exchange, .submission, .submissions] {
            for peer in peers {
                try await fixture.connect(role, peer: peer) { client in
                    try await client.ask("EHLO example.org")
                    for sender in Self.senders {
                        let isOpen = try await client.ask("MAIL FROM:\(sender)").hasPrefix("250 ")
                        #expect(isOpen == (role == .exchange))
                        for recipient in Self.recipients {
                            let reply = try await client.ask("RCPT TO:\(recipient)")
                            #expect(reply.hasPrefix("5"), "\(role) from \(sender) to \(recipient): \(reply)")
                        }
                        #expect(try await client.ask("DATA").hasPrefix("5"))
                        try await client.ask("RSET")
                    }
                }
            }
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }

    @Test(
        "A domain here is here in both of its spellings (RFC 6531 §3.2)",
        arguments: ["xn--bcher-kva", "bücher", "BÜCHER"]
    )
    func otherScripts(_ label: String) async throws {
        let fixture = try await Fixture()
        try await fixture.store.addDomain("xn--bcher-kva.example")
        let eve = try await fixture.store.addAccount("eve@xn--bcher-kva.example", verifier: "none")
        try await fixture.connect { client in
            try await client.ask("EHLO example.org")
            try await client.ask("MAIL FROM:<fred@example.net> SMTPUTF8")
            #expect(try await client.ask("RCPT TO:<eve@\(label).example>").hasPrefix("250 "))
            #expect(try await client.ask("RCPT TO:<mallory@\(label).example>").hasPrefix("550 5.1.1"))
            #expect(try await client.ask("RCPT TO:<eve@x\(label).example>").hasPrefix("550 5.7.1"))
            #expect(try await client.ask("DATA").hasPrefix("354"))
            #expect(try await client.ask("Subject: x\r\n\r\nHi\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.inbox(of: eve).count == 1)
        try await fixture.close()
    }

    @Test("RFC 6409 §6.1: nobody submits under another's name, on either port")
    func foreignSender() async throws {
        let fixture = try await Fixture()
        for role in [SMTPRole.submission, .submissions] {
            try await fixture.connect(role, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                for sender in ["bob@example.org", "postmaster@example.org", "ann@example.net", "ANN@example.com"] {
                    #expect(try await client.ask("MAIL FROM:<\(sender)>").hasPrefix("553 5.7.1 "))
                }
                #expect(try await client.ask("MAIL FROM:<ANN@Example.ORG>").hasPrefix("250 "))
            }
        }
        try await fixture.close()
    }

    @Test("An alias reaches all its accounts, a recipient named twice gets the message once")
    func alias() async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("HELO client.example.com")
            try await client.begin(to: "team@example.org", "ann@example.org", "Ann@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        try await fixture.close()
    }

    /// Its session ends too, but a command may have been under way.
    @Test("The right to send ends with the account", arguments: ["<ann@example.org>", "<>"])
    func removedAccount(_ sender: String) async throws {
        let fixture = try await Fixture()
        var view = SMTPView(service: fixture.service, role: .submissions, peer: .secure)
        view.clientName = "client.example.com"
        view.account = fixture.ann
        var parser = CommandParser(Array("FROM:\(sender)".utf8)[...], allowsUTF8: false)
        let mail = try MailCommand(&parser)
        _ = try await mail.run(view)
        try await fixture.store.removeAccount("ann@example.org")
        let refusal = await #expect(throws: Reply.self) { try await mail.run(view) }
        #expect(refusal?.code == 553)
        try await fixture.close()
    }
}
