// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("I-09: what hostile messages do to the parser")
struct MessageParserLimitsTests {
    private func parse(_ octets: [UInt8], limits: MessageParser.Limits = .default) -> MessageSummary {
        var parser = MessageParser(limits: limits)
        parser.append(octets)
        let summary = parser.finish()
        #expect(faults(of: summary) == [])
        return summary
    }

    private func depth(_ part: Part) -> Int {
        let inside = part.children.map { child in self.depth(child) } + [part.message.map { self.depth($0.root) } ?? 0]
        return 1 + (inside.max() ?? 0)
    }

    private func count(_ part: Part) -> Int {
        part.children.reduce(1) { count, child in count + self.count(child) }
            + (part.message.map { message in self.count(message.root) } ?? 0)
    }

    @Test("Nested multiparts", .timeLimit(.minutes(20)), arguments: [98, 99, 100, 1000, 100_000])
    func nestedMultiparts(levels: Int) {
        var text = "Content-Type: multipart/mixed; boundary=0\n\n"
        for level in 1..<levels {
            text += "--\(level - 1)\nContent-Type: multipart/mixed; boundary=\(level)\n\n"
        }
        text += "--\(levels - 1)\n\nend\n"
        let root = self.parse(message(text)).root
        #expect(self.depth(root) == min(levels + 1, 100))
    }

    @Test("What is too deep is opaque, and the part after it is found")
    func tooDeep() {
        var limits = MessageParser.Limits()
        limits.depth = 3
        let text = """
            Content-Type: multipart/mixed; boundary=0

            --0
            Content-Type: multipart/mixed; boundary=1

            --1
            Content-Type: multipart/mixed; boundary=2

            --2

            --1
            Content-Type: message/rfc822

            Subject: x

            --0
            Content-Type: text/html

            --0--
            """
        let root = self.parse(message(text), limits: limits).root
        #expect(
            outline(root)
                == "multipart/mixed(multipart/mixed(application/octet-stream application/octet-stream) text/html)"
        )
    }

    @Test("Messages in messages", .timeLimit(.minutes(20)), arguments: [99, 1000, 100_000])
    func nestedMessages(levels: Int) {
        let text = String(repeating: "Content-Type: message/rfc822\n\n", count: levels)
        #expect(self.depth(self.parse(message(text)).root) == 100)
    }

    @Test("A hundred boundaries open, each line looks like one", .timeLimit(.minutes(20)))
    func manyOpenBoundaries() {
        var text = "Content-Type: multipart/mixed; boundary=b0\n\n"
        for level in 1..<98 {
            text += "--b\(level - 1)\nContent-Type: multipart/mixed; boundary=b\(level)\n\n"
        }
        text += "--b97\n\n"
        let lines = repeated("--b\r\n--b9\r\n--\r\n", count: 200_000)
        let root = self.parse(message(text) + lines).root
        #expect(self.depth(root) == 99)
    }

    @Test("The same boundary a hundred times over", .timeLimit(.minutes(20)))
    func sameBoundary() {
        let text = "Content-Type: multipart/mixed; boundary=b\n\n"
        let levels = String(repeating: "--b\n" + text, count: 97)
        let siblings = String(repeating: "--b\n\nx\n", count: 20_000)
        let root = self.parse(message(text + levels + siblings)).root
        #expect(self.depth(root) == 99)
        #expect(self.count(root) <= 10_000)
    }

    @Test("Parts without end", .timeLimit(.minutes(20)), arguments: [9_999, 10_000, 700_000])
    func siblings(parts: Int) {
        let header = message("Content-Type: multipart/mixed; boundary=b\n\n")
        let body = repeated("--b\r\n\r\nx\r\n", count: parts)
        let root = self.parse(header + body + octets("--b--\r\n")).root
        #expect(root.children.count == min(parts, 9_999))
        let rest = parts <= 9_999 ? octets("\r\n--b--\r\n").count : 0
        #expect(root.children.last?.bodyRange.upperBound == root.bodyRange.upperBound - rest)
    }

    @Test(
        "Headers without end",
        .timeLimit(.minutes(20)),
        arguments: ["X: y\r\n", "y", "To: a@b\r\n", " y\r\n", "y\r\n"]
    )
    func headers(unit: String) {
        let start = octets("Subject: x\r\nTo: a@b,\r\n")
        let filler = repeated(unit, count: 2_000_000 / unit.utf8.count)
        let end = octets((unit.utf8.last == 10 ? "" : "\r\n") + "Content-Type: text/html\r\n\r\nbody")
        let summary = self.parse(start + filler + end)
        #expect(text(summary.envelope.subject) == "x")
        #expect(summary.root.bodyRange.count == 4)
        #expect(summary.encoded().count < 600_000)
        if unit == "X: y\r\n" || unit == "y\r\n" {
            #expect(outline(summary.root) == "text/html")
        }
    }

    @Test("A line of addresses that is too long is left out whole, not cut in an address")
    func overlongLine() {
        var limits = MessageParser.Limits()
        limits.headerOctets = 100
        let list = Array(repeating: "someone@example.org", count: 10).joined(separator: ",")
        let summary = self.parse(octets("To: a@b,\r\n c@d,\r\n \(list)\r\nSubject: x\r\n\r\n"), limits: limits)
        #expect(summary.envelope.to.count == 2)
        #expect(text(summary.envelope.subject) == "x")
    }

    @Test("What all headers together may keep")
    func summaryLimit() {
        var limits = MessageParser.Limits()
        limits.summaryOctets = 1000
        var text = "Content-Type: multipart/mixed; boundary=b\n\n"
        for _ in 0..<100 {
            text += "--b\nContent-Type: text/html\nContent-Description: \(String(repeating: "d", count: 200))\n\n"
        }
        let summary = self.parse(message(text), limits: limits)
        let described = summary.root.children.count { part in part.description != nil }
        #expect(described == 4)
        #expect(summary.root.children.count == 100)
        #expect(summary.root.children.last?.contentType == .plainText)
    }

    @Test("What all address lists together may keep")
    func addressLimit() {
        var limits = MessageParser.Limits()
        limits.addresses = 15
        let header = "To: \(Array(repeating: "a@b", count: 10).joined(separator: ","))\n"
        let text = header + "Content-Type: message/rfc822\n\n" + header + "\n"
        let summary = self.parse(message(text), limits: limits)
        #expect(summary.envelope.to.count == 10)
        #expect(summary.root.message?.envelope.to.count == 5)
    }

    @Test("Lines without end", .timeLimit(.minutes(20)))
    func endlessLines() {
        let header = message("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n")
        for octet in octets("-a \r\0") {
            let root = self.parse(header + octets("--b") + [UInt8](repeating: octet, count: 2_000_000)).root
            #expect(root.children.count == 1)
        }
    }
}
