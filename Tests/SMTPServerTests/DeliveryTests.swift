// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 5321 §4.4, §6.1: what is delivered is what was sent, behind our trace fields.
@Suite("RFC 5321 §4.4") struct DeliveryTests {
    private static let content =
        "Subject: octets\r\nFrom: Eve <eve@example.net>\r\n\r\n.dots\r\n..\r\n\(String(repeating: "long ", count: 500))\r\nü\r\n\r\n"
    private static let stuffed =
        "Subject: octets\r\nFrom: Eve <eve@example.net>\r\n\r\n..dots\r\n...\r\n\(String(repeating: "long ", count: 500))\r\nü\r\n\r\n"

    private static let trace = """
        Return-Path: <eve@example.net>\r
        Received: from client.example.com ([192.0.2.7])\r
        \tby mx.example.org with ESMTP id abababababababab\r
        \tfor <ann@example.org>; Thu, 1 Jan 2026 00:00:00 +0000\r

        """

    @Test("DATA, cut anywhere", arguments: [1, 2, 3, 7, 100, 100_000])
    func data(_ size: Int) async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org")
            try await client.ask("DATA")
            let octets = Array("\(Self.stuffed).\r\n".utf8)
            for start in stride(from: 0, to: octets.count, by: size) {
                client.pipe.send(Array(octets[start..<min(start + size, octets.count)]))
            }
            #expect(try await client.reply().hasPrefix("250 2.0.0 "))
        }
        let messages = try await fixture.inbox(of: fixture.ann)
        #expect(messages.map { String(decoding: $0, as: UTF8.self) } == [Self.trace + Self.content])
        try await fixture.close()
    }

    @Test("BINARYMIME: what is binary arrives as base64, also when it is larger for that than what was allowed")
    func binary() async throws {
        let fixture = try await Fixture { $0.messageLimit = 4_096 }
        let header = Array("Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n".utf8)
        let body = (0..<4_000).map { UInt8(truncatingIfNeeded: $0) }
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.ask("MAIL FROM:<eve@example.net> BODY=BINARYMIME")
            try await client.ask("RCPT TO:<ann@example.org>")
            client.pipe.send(Array("BDAT \(header.count + body.count) LAST\r\n".utf8) + header + body)
            #expect(try await client.reply().hasPrefix("250 2.0.0 "))
        }
        let message = try #require(try await fixture.inbox(of: fixture.ann).first)
        let text = String(decoding: message, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        #expect(parts[0].hasSuffix("Content-Type: application/x\r\nContent-Transfer-Encoding: base64"))
        #expect(parts[1] == String(decoding: Base64.encode(body), as: UTF8.self)[...])
        try await fixture.close()
    }

    @Test("BDAT, cut anywhere; a message without CRLF at its end stays so", arguments: [1, 2, 3, 7, 100, 100_000])
    func chunks(_ size: Int) async throws {
        let fixture = try await Fixture()
        let octets = Array("\(Self.content)end".utf8)
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org")
            for start in stride(from: 0, to: octets.count, by: size) {
                let end = min(start + size, octets.count)
                client.pipe.send(Array("BDAT \(end - start)\r\n".utf8) + octets[start..<end])
                #expect(try await client.reply().hasPrefix("250 2.0.0 "))
            }
            #expect(try await client.ask("BDAT 0 LAST").hasPrefix("250 2.0.0 "))
        }
        let messages = try await fixture.inbox(of: fixture.ann)
        #expect(messages.map { String(decoding: $0, as: UTF8.self) } == [Self.trace + Self.content + "end"])
        try await fixture.close()
    }

    /// Were each a look at all that came before, or at all that comes, this would not end.
    @Test("A hundred thousand chunks of one octet in one segment are one message, and no work")
    func tinyChunks() async throws {
        let fixture = try await Fixture()
        let count = 100_000
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org")
            client.send(String(repeating: "BDAT 1\r\nx", count: count) + "BDAT 0 LAST\r\n")
            for _ in 0..<count { #expect(try await client.reply() == "250 2.0.0 1 octets received") }
            #expect(try await client.reply().hasPrefix("250 2.0.0 Accepted"))
        }
        #expect(
            try await fixture.inbox(of: fixture.ann).map(Self.withoutTrace) == [String(repeating: "x", count: count)]
        )
        try await fixture.close()
    }

    @Test("A submitted message gets Date and Message-ID if it lacks them, at the end of its header (RFC 6409 §8)")
    func missingFields() async throws {
        let date = "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
        let identifier = "Message-ID: <t85s00.abababababababababababab@mx.example.org>\r\n"
        let cases = [
            ("Subject: x\r\n\r\nbody\r\n", "Subject: x\r\n\(date)\(identifier)\r\nbody\r\n"),
            ("date : x\r\nMESSAGE-ID:\r\n <a@b>\r\n\r\nbody\r\n", "date : x\r\nMESSAGE-ID:\r\n <a@b>\r\n\r\nbody\r\n"),
            ("Subject: x\r\n Date: y\r\n\r\n", "Subject: x\r\n Date: y\r\n\(date)\(identifier)\r\n"),
            ("Resent-Date: x\r\n\r\nDate: y\r\n", "Resent-Date: x\r\n\(date)\(identifier)\r\nDate: y\r\n"),
            ("Date: x\r\n", "Date: x\r\n\(identifier)"),
            ("\r\nbody\r\n", "\(date)\(identifier)\r\nbody\r\n"),
            ("", "\(date)\(identifier)"),
        ]
        let fixture = try await Fixture()
        for size in [1, 1000] {
            for (sent, expected) in cases {
                let before = try await fixture.inbox(of: fixture.bob).count
                try await fixture.connect(.submissions, peer: .secure) { client in
                    try await client.logIn("ann@example.org")
                    try await client.begin(from: "ann@example.org", to: "bob@example.org")
                    try await client.ask("DATA")
                    let octets = Array("\(sent).\r\n".utf8)
                    for start in stride(from: 0, to: octets.count, by: size) {
                        client.pipe.send(Array(octets[start..<min(start + size, octets.count)]))
                    }
                    #expect(try await client.reply().hasPrefix("250 "))
                }
                let message = try await fixture.inbox(of: fixture.bob)[before]
                #expect(Self.withoutTrace(message) == expected)
            }
        }
        try await fixture.close()
    }

    @Test("A header without a line end at its end gets one before what it lacks")
    func missingLineEnd() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            #expect(try await client.ask("BDAT 10 LAST\r\nSubject: xNOOP").hasPrefix("250 2.0.0 Accepted"))
            #expect(try await client.reply() == "250 2.0.0 OK")
        }
        let text = try #require(try await fixture.inbox(of: fixture.bob).map(Self.withoutTrace).first)
        #expect(text.hasPrefix("Subject: x\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <"))
        try await fixture.close()
    }

    @Test("Mail from elsewhere is not changed (RFC 5321 §6.4)")
    func relayed() async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "ann@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\nbody\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.inbox(of: fixture.ann).map(Self.withoutTrace) == ["Subject: x\r\n\r\nbody\r\n"])
        try await fixture.close()
    }

    @Test("Local and remote recipients are one transaction of the store; the relay gets no Return-Path")
    func queued() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.ask("MAIL FROM:<ann@example.org> RET=HDRS ENVID=QQ+2B1 BODY=8BITMIME SMTPUTF8")
            try await client.ask("RCPT TO:<bob@example.org>")
            try await client.ask("RCPT TO:<\"f r\"@Example.NET> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;fred+40example.net")
            try await client.ask("RCPT TO:<fred@[IPv6:2001:DB8:0::1]> NOTIFY=NEVER")
            try await client.ask("RCPT TO:<fred@[IPv6:2001:db8::1]>")
            try await client.ask("DATA")
            #expect(try await client.ask("Date: x\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n.").contains(", queue id "))
        }
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        let entries = try await fixture.queue()
        let entry = try #require(entries.first)
        #expect(entries.count == 1)
        #expect(entry.reversePath == "ann@example.org")
        #expect(entry.returnsFull == false)
        #expect(entry.envelopeID == "QQ+1")
        #expect(entry.isEightBit && entry.isInternationalized)
        #expect(
            entry.recipients.map(\.recipient) == [
                RemoteRecipient(
                    localPart: "f r",
                    domain: "example.net",
                    notify: [.success, .delay],
                    originalRecipient: "rfc822;fred@example.net"
                ),
                RemoteRecipient(localPart: "fred", domain: "[IPv6:2001:db8::1]", notify: []),
            ]
        )
        let relayed = String(decoding: try await fixture.octets(of: entry), as: UTF8.self)
        #expect(relayed.hasPrefix("Received: from client.example.com ([192.0.2.7])\r\n"))
        #expect(relayed.contains("with UTF8SMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384) id abababababababab; Thu"))
        #expect(relayed.hasSuffix("\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"))
        try await fixture.close()
    }

    @Test("RFC 6152 §2: the next hop is told of octets above 127, though the client did not say so")
    func undeclaredOctets() async throws {
        let fixture = try await Fixture()
        for (content, isEightBit) in [("Subject: x\r\n\r\ntext", false), ("Subject: x\r\n\r\nüx", true)] {
            try await fixture.connect(.submissions, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                try await client.begin(from: "ann@example.org", to: "fred@example.net")
                try await client.ask("DATA")
                #expect(try await client.ask("\(content)\r\n.").hasPrefix("250 "))
            }
            #expect(try await fixture.queue().last?.isEightBit == isEightBit)
        }
        try await fixture.close()
    }

    @Test("A client that hangs up at any octet before the end has sent nothing")
    func cutOff() async throws {
        let fixture = try await Fixture()
        let octets = Array(
            "HELO c.example\r\nMAIL FROM:<e@example.net>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n"
                .utf8
        )
        for end in 0..<octets.count {
            try await fixture.connect(.submission) { client in client.pipe.send(Array(octets[..<end])) }
            try await self.inSteps(fixture, Array(octets[..<end]))
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await self.inSteps(fixture, octets)
        #expect(try await fixture.acceptedCount() == 1)
        try await fixture.close()
    }

    /// Its announced size may never be reached.
    @Test("A client that hangs up within a chunk, or between two, has sent nothing") func cutOffInChunks() async throws
    {
        let fixture = try await Fixture()
        let octets = Array(
            "MAIL FROM:<e@example.net>\r\nRCPT TO:<ann@example.org>\r\nBDAT 14\r\nSubject: x\r\n\r\nBDAT 24 LAST\r\nbody\r\n.\r\nQUIT\r\nNOOP\r\nx\r\n"
                .utf8
        )
        for end in 0...octets.count {
            try await fixture.connect { client in
                try await client.ask("EHLO client.example.com")
                client.pipe.send(Array(octets[..<end]))
            }
            #expect(try await fixture.acceptedCount() == (end < octets.count ? 0 : 1))
        }
        #expect(try await fixture.inbox(of: fixture.ann).map { Array($0.suffix(24)) } == [Array(octets.suffix(24))])
        try await fixture.close()
    }

    /// Sends a dialogue line by line, each after the reply to the one before, and hangs up.
    private func inSteps(_ fixture: Fixture, _ octets: [UInt8]) async throws {
        try await fixture.connect { client in
            var isContent = false
            var rest = octets[...]
            while !rest.isEmpty {
                let line = rest.prefix { $0 != 10 } + rest.drop { $0 != 10 }.prefix(1)
                rest = rest.dropFirst(line.count)
                client.pipe.send(Array(line))
                if line.last == 10, !isContent || line.elementsEqual(".\r\n".utf8) {
                    isContent = try await client.reply().hasPrefix("354")
                }
            }
        }
    }

    private static func withoutTrace(_ message: [UInt8]) -> String {
        let text = String(decoding: message, as: UTF8.self)
        guard let end = text.range(of: "00:00:00 +0000\r\n") else { return text }
        return String(text[end.upperBound...])
    }
}

extension String {
    /// Where `other` first is.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(other) { return start..<self.index(start, offsetBy: other.count) }
            start = self.index(after: start)
        }
        return nil
    }
}
