// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailMessage

@Suite("RFC 3030 §3: binary parts become base64") struct BinaryReencoderTests {
    /// The result for the message in pieces of that size.
    private func reencode(_ octets: [UInt8], piece: Int = .max) -> [UInt8] {
        var reencoder = BinaryReencoder()
        var output: [UInt8] = []
        var start = 0
        while start < octets.count {
            let end = start + min(piece, octets.count - start)
            output += reencoder.append(octets[start..<end])
            start = end
        }
        return output + reencoder.finish()
    }

    private func reencode(_ text: String) -> String {
        String(decoding: self.reencode(Array(text.utf8)), as: UTF8.self)
    }

    @Test("A part, and the header that says so; what is around it stays") func part() {
        let message = """
            Subject: x\r
            Content-Type: multipart/mixed; boundary=b\r
            Content-Transfer-Encoding: binary\r
            \r
            before\r
            --b\r
            Content-Transfer-Encoding: 8bit\r
            \r
            text\r
            --b\r
            Content-Type: application/octet-stream\r
            Content-transfer-encoding:\r
             binary (really)\r
            Content-ID: <a@b>\r
            \r
            a\nb\rc\r\n--not\r\n\r
            --b--\r
            after\r\n
            """
        let expected = """
            Subject: x\r
            Content-Type: multipart/mixed; boundary=b\r
            Content-Transfer-Encoding: 8bit\r
            \r
            before\r
            --b\r
            Content-Transfer-Encoding: 8bit\r
            \r
            text\r
            --b\r
            Content-Type: application/octet-stream\r
            Content-Transfer-Encoding: base64\r
            Content-ID: <a@b>\r
            \r
            YQpiDWMNCi0tbm90DQo=\r
            --b--\r
            after\r\n
            """
        #expect(self.reencode(message) == expected)
        for piece in 1...7 {
            #expect(String(decoding: self.reencode(Array(message.utf8), piece: piece), as: UTF8.self) == expected)
        }
    }

    @Test("The message itself, with lines of 76 and an end") func whole() {
        let header = "Content-Transfer-Encoding: BINARY\r\n\r\n"
        let body = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let output = self.reencode(Array(header.utf8) + body)
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "Content-Transfer-Encoding: base64")
        #expect(lines[1].isEmpty)
        #expect(lines.dropFirst(2).dropLast().allSatisfy { $0.utf8.count <= 76 })
        #expect(lines.last?.isEmpty == true)
        var decoder = Base64Decoder()
        var decoded: [UInt8] = []
        decoder.decode(Array(lines.dropFirst(2).joined().utf8)[...], into: &decoded)
        #expect(decoded == body)
    }

    @Test(
        "Messages without binary parts stay as they are",
        arguments: [
            "", "\r\n", "Subject: x", "Subject: x\r\n\r\nHi\r\n", "Content-Transfer-Encoding: 8bit\r\n\r\n\u{e4}\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\nA: b\r\n--b--",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nx--b\r\n\r\n--b \t\r\n\r\n--bb\r\n-\r\n--\r\n--b-",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y",
        ]
    )
    func unchanged(_ message: String) {
        let octets = Array(message.utf8)
        for piece in [1, 2, 3, 1000] { #expect(self.reencode(octets, piece: piece) == octets, "\(piece)") }
    }

    @Test("Messages in messages, digests, and parts that only end with those around them") func nested() {
        let message = """
            Content-Type: multipart/digest; boundary=o\r
            \r
            --o\r
            \r
            Content-Type: multipart/mixed; boundary=i\r
            \r
            --i\r
            Content-Transfer-Encoding: binary\r
            \r
            \u{0}\r
            --o\r
            Content-Type: message/rfc822\r
            Content-Transfer-Encoding: binary\r
            \r
            Content-Transfer-Encoding: binary\r
            \r
            \n\r
            --o--\r\n
            """
        let expected = """
            Content-Type: multipart/digest; boundary=o\r
            \r
            --o\r
            \r
            Content-Type: multipart/mixed; boundary=i\r
            \r
            --i\r
            Content-Transfer-Encoding: base64\r
            \r
            AA==\r
            --o\r
            Content-Type: message/rfc822\r
            Content-Transfer-Encoding: 8bit\r
            \r
            Content-Transfer-Encoding: base64\r
            \r
            Cg==\r
            --o--\r\n
            """
        #expect(self.reencode(message) == expected)
    }

    @Test("No octet is lost, wherever chunks and boundaries are", arguments: 0..<200 as Range<UInt64>)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var bodies: [[UInt8]] = []
        let message = self.entity(&random, depth: 0, &bodies)
        let output = self.reencode(message)
        for piece in [1, 2, 5, 64] { #expect(self.reencode(message, piece: piece) == output) }
        // Lines only, as the parser of messages sees them.
        #expect(!output.contains(0))
        for (index, octet) in output.enumerated() {
            if octet == 10 { try #require(index > 0 && output[index - 1] == 13) }
            if octet == 13 { try #require(index + 1 < output.count && output[index + 1] == 10) }
        }
        var parser = MessageParser()
        parser.append(output[...])
        var decoded: [[UInt8]] = []
        self.collect(parser.finish().root, output, &decoded)
        #expect(decoded == bodies)
    }

    /// An entity of random structure; the bodies of its binary leaves.
    private func entity(_ random: inout SeededGenerator, depth: Int, _ bodies: inout [[UInt8]]) -> [UInt8] {
        guard depth < 4, random.next() % 3 > 0 else {
            let alphabet: [UInt8] = [13, 10, 45, 45, 98, 48, 49, 0, 255, 32]
            let body = (0..<Int(random.next() % 200)).map { _ in alphabet[Int(random.next() % 10)] }
            bodies.append(body)
            return Array("Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n".utf8) + body
        }
        if random.next() % 4 == 0 {
            return Array("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n".utf8)
                + self.entity(&random, depth: depth + 1, &bodies)
        }
        // Bodies may have lines that look like it: they have no lower-case q.
        let boundary = "b\(depth)q\(random.next() % 1000)"
        var octets = Array("Content-Type: multipart/mixed; boundary=\(boundary)\r\n\r\n".utf8)
        for _ in 0..<Int(random.next() % 4) {
            octets += Array("\r\n--\(boundary)\r\n".utf8) + self.entity(&random, depth: depth + 1, &bodies)
        }
        return octets + Array("\r\n--\(boundary)--\r\n".utf8)
    }

    private func collect(_ part: Part, _ message: [UInt8], _ bodies: inout [[UInt8]]) {
        if let embedded = part.message { return self.collect(embedded.root, message, &bodies) }
        guard part.children.isEmpty else {
            for child in part.children { self.collect(child, message, &bodies) }
            return
        }
        guard part.contentType.isType("application", "x") else { return }
        var decoder = Base64Decoder()
        var body: [UInt8] = []
        decoder.decode(message[part.bodyRange], into: &body)
        bodies.append(body)
    }

    @Test("A boundary is seen behind a line of any length that begins like one", arguments: 4_150...4_170)
    func longLine(_ length: Int) {
        let line = String(repeating: "-", count: length)
        let start = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: "
        let output = self.reencode(start + "binary\r\n\r\n\(line)\r\n--b--\r\n")
        let encoded = String(decoding: Base64.encode(Array(line.utf8)), as: UTF8.self)
        #expect(output == start + "base64\r\n\r\n\(encoded)--b--\r\n")
    }

    @Test("What is too long to be kept, or too deep, is left alone, in bounded memory") func bounds() {
        var limits = MessageParser.Limits()
        limits.headerOctets = 100
        var reencoder = BinaryReencoder(limits: limits)
        let long = Array(
            ("X: " + String(repeating: "y", count: 500) + "\r\nContent-Transfer-Encoding: binary\r\n\r\n\n").utf8
        )
        #expect(reencoder.append(long[...]) + reencoder.finish() == long)
        let deep = (0..<200).map { "Content-Type: multipart/mixed; boundary=b\($0)\r\n\r\n--b\($0)\r\n" }.joined()
        let octets = Array((deep + "Content-Transfer-Encoding: binary\r\n\r\n\n").utf8)
        #expect(self.reencode(octets) == octets)
    }
}
