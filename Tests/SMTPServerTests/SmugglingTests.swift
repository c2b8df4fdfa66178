// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 5321 §4.1.1.4, §2.3.8: CRLF "." CRLF ends a message, and nothing that looks like it does.
@Suite("RFC 5321 §2.3.8") struct SmugglingTests {
    /// What some server somewhere has taken for the end of a message.
    static let sequences = [
        "\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\r\n.\0\r\n",
        "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n. \r\n", ".\n", ".\r", "\0.\r\n",
    ]
    private static let smuggled =
        "MAIL FROM:<mallory@example.net>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\ngot you\r\n.\r\n"

    @Test("No second message, one reply to the first, wherever the octets are cut", arguments: sequences)
    func smuggling(_ sequence: String) async throws {
        let fixture = try await Fixture()
        let content = Array("Subject: one\r\n\r\ntext\(sequence)\(Self.smuggled)".utf8)
        let start = Array("\(sequence)\(Self.smuggled)".utf8)
        var accepted = 0
        for octets in [content, start] {
            for cut in 0...octets.count {
                accepted += try await self.send([Array(octets[..<cut]), Array(octets[cut...])], fixture)
            }
            accepted += try await self.send(octets.map { [$0] }, fixture)
        }
        #expect(try await fixture.inbox(of: fixture.bob).isEmpty)
        let messages = try await fixture.inbox(of: fixture.ann)
        #expect(messages.count == accepted)
        // Only what has no bare line end is taken, and then with every octet that could be taken for an end.
        #expect(accepted == (sequence == "\r\n. \r\n" ? content.count + start.count + 4 : 0))
        try await fixture.close()
    }

    /// Sends a message in these pieces; how many messages were accepted: 0 or 1.
    private func send(_ pieces: [[UInt8]], _ fixture: Fixture) async throws -> Int {
        var accepted = 0
        try await fixture.connect { client in
            try await client.ask("HELO client.example.com")
            try await client.begin(to: "ann@example.org")
            try await client.ask("DATA")
            for piece in pieces { client.pipe.send(piece) }
            let reply = try await client.reply()
            accepted = reply.hasPrefix("250 ") ? 1 : 0
            if accepted == 0 {
                #expect(reply.hasPrefix("550 5.6.11 "))
                // One reply, and the end.
                #expect(try await client.reply().isEmpty)
            }
        }
        return accepted
    }

    @Test("In a chunk even a genuine end ends nothing, wherever the octets are cut")
    func endInChunk() async throws {
        let fixture = try await Fixture()
        let content = Array("Subject: one\r\n\r\ntext\r\n.\r\n\(Self.smuggled)".utf8)
        let octets = Array("BDAT \(content.count) LAST\r\n".utf8) + content
        for cut in 0...octets.count {
            try await fixture.connect { client in
                try await client.ask("EHLO client.example.com")
                try await client.begin(to: "ann@example.org")
                client.pipe.send(Array(octets[..<cut]))
                client.pipe.send(Array(octets[cut...]))
                #expect(try await client.reply().hasPrefix("250 2.0.0 Accepted"))
                #expect(try await client.ask("RSET").hasPrefix("250 2.0.0 OK"))
            }
        }
        #expect(try await fixture.inbox(of: fixture.bob).isEmpty)
        let messages = try await fixture.inbox(of: fixture.ann)
        #expect(messages.count == octets.count + 1)
        #expect(messages.allSatisfy { $0.suffix(content.count).elementsEqual(content) })
        try await fixture.close()
    }

    @Test("In chunks, the same is refused", arguments: sequences.filter { $0 != "\r\n. \r\n" })
    func chunks(_ sequence: String) async throws {
        let fixture = try await Fixture()
        let content = Array("Subject: one\r\n\r\ntext\(sequence)more\r\n".utf8)
        for cut in 0...content.count {
            try await fixture.connect { client in
                try await client.ask("EHLO client.example.com")
                try await client.begin(to: "ann@example.org")
                client.send("BDAT \(cut)\r\n")
                client.pipe.send(Array(content[..<cut]))
                var reply = try await client.reply()
                if reply.hasPrefix("250 ") {
                    client.send("BDAT \(content.count - cut) LAST\r\n")
                    client.pipe.send(Array(content[cut...]))
                    reply = try await client.reply()
                }
                #expect(reply.hasPrefix("550 5.6.11 "))
                #expect(try await client.reply().isEmpty)
            }
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }
}
