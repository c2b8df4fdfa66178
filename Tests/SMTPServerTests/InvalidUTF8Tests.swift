// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Testing

@testable import SMTPServer

/// RFC 6531 §3.3: addresses are UTF-8, and what is not is no address.
@Suite("RFC 6531 §3.3: octets that are not UTF-8") struct InvalidUTF8Tests {
    /// A lone continuation, a character cut off, one too long (`/` in two octets), a surrogate, one beyond U+10FFFF, and what
    /// never occurs.
    static let octets: [[UInt8]] = [
        [0x80], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
        [0xFE], [0xFF],
    ]

    @Test("Are refused wherever an address has them", arguments: octets) func refused(_ octets: [UInt8]) async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            func ask(_ before: String, _ behind: String) async throws -> String {
                client.pipe.send(Array(before.utf8) + octets + Array("\(behind)\r\n".utf8))
                return try await client.reply()
            }
            try await client.ask("EHLO client.example.com")
            let places = [
                ("<", "@example.net>"), ("<\"", "\"@example.net>"), ("<eve@", ".example.net>"), ("<eve@a", ">"),
            ]
            for (before, behind) in places {
                let reply = try await ask("MAIL FROM:" + before, behind + " SMTPUTF8")
                #expect(reply.hasPrefix("501 ") || reply.hasPrefix("553 "), "\(reply)")
            }
            #expect(try await client.ask("MAIL FROM:<eve@example.net> SMTPUTF8").hasPrefix("250 "))
            for (before, behind) in places {
                let reply = try await ask("RCPT TO:" + before, behind)
                #expect(reply.hasPrefix("501 ") || reply.hasPrefix("553 "), "\(reply)")
            }
            // None of them has become a recipient.
            #expect(try await client.ask("DATA").hasPrefix("5"))
            #expect(try await client.ask("NOOP").hasPrefix("250 "))
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }

    @Test("A character that is cut in two by the end of a segment is one nevertheless") func split() async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            let octets = Array("MAIL FROM:<j\u{FC}rgen@example.net> SMTPUTF8\r\n".utf8)
            for cut in 0...octets.count {
                client.pipe.send(Array(octets[..<cut]))
                client.pipe.send(Array(octets[cut...]))
                #expect(try await client.reply().hasPrefix("250 "))
                #expect(try await client.ask("RSET").hasPrefix("250 "))
            }
        }
        try await fixture.close()
    }
}
