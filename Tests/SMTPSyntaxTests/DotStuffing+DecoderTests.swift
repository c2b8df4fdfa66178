// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

/// What the decoder makes of content that arrives in `buffers`, and what it leaves for the next command.
private struct Decoded: Hashable {
    var content: [UInt8] = []
    var outcome: DotStuffing.Event?
    var left: [UInt8] = []
    var octetCount = 0
    var longestLine = 0

    init(_ buffers: [[UInt8]], bareLineFeeds: DotStuffing.Decoder.BareLineFeeds = .refused) {
        var framer = LineFramer()
        var decoder = DotStuffing.Decoder(bareLineFeeds: bareLineFeeds)
        for buffer in buffers {
            framer.append(buffer)
            while let event = framer.nextContent(&decoder) {
                if case .content(let run) = event {
                    #expect(self.outcome == nil && !run.isEmpty)
                    self.content += run
                } else {
                    #expect(self.outcome == nil, "one end only")
                    self.outcome = event
                }
            }
        }
        // The decoder takes nothing more after the end, so this reads what is left.
        var rest = ChunkCounter(size: .max, isLast: true)
        while decoder.isFinished, let run = framer.nextChunk(&rest) { self.left += run }
        self.octetCount = decoder.octetCount
        self.longestLine = decoder.longestLine
        #expect((decoder.fault != nil) == self.isRefused || self.outcome == nil)
        // How much was yielded before a fault was met depends on the cut, and is of no interest.
        if decoder.fault != nil { (self.content, self.octetCount, self.longestLine) = ([], 0, 0) }
    }

    var isRefused: Bool {
        if case .refused = self.outcome { true } else { false }
    }
}

/// The same by searching the whole wire at once, as RFC 5321 §4.5.2 says it.
private struct Reference {
    var content: [UInt8] = []
    var hasFault = false
    var left: [UInt8] = []

    init?(_ wire: [UInt8]) {
        let all = [UInt8]("\r\n") + wire
        guard let end = (0..<all.count).first(where: { all[$0...].starts(with: "\r\n.\r\n".utf8) }) else { return nil }
        self.left = Array(all[(end + 5)...])
        let lines = Array(all[2..<Swift.max(2, end + 2)])
        for (index, octet) in lines.enumerated() {
            let previous = index > 0 ? lines[index - 1] : 0
            let next = index + 1 < lines.count ? lines[index + 1] : 0
            switch octet {
            case 0: self.hasFault = true
            case 0x0A where previous != 0x0D: self.hasFault = true
            case 0x0D where next != 0x0A: self.hasFault = true
            case 0x2E where index == 0 || previous == 0x0A: break  // stuffing
            default: self.content.append(octet)
            }
        }
    }
}

@Suite("RFC 5321 §4.5.2 Transparency: receiving") struct DotStuffingDecoderTests {
    @Test(
        "Content comes out unstuffed, at every split",
        arguments: [
            (".\r\n", ""),
            ("\r\n.\r\n", "\r\n"),
            ("a\r\n.\r\n", "a\r\n"),
            ("..\r\n.\r\n", ".\r\n"),
            (".a\r\n.\r\n", "a\r\n"),
            ("..a\r\n..\r\n...\r\n.\r\n", ".a\r\n.\r\n..\r\n"),
            ("a.\r\n.\r\n", "a.\r\n"),
            ("Subject: x\r\n\r\nbody.\r\n. \r\nend\r\n.\r\n", "Subject: x\r\n\r\nbody.\r\n \r\nend\r\n"),
            ("\ttab\u{B}\u{C}\u{1}\r\n.\r\n", "\ttab\u{B}\u{C}\u{1}\r\n"),
            ("\u{E9}\r\n.\r\n", "\u{E9}\r\n"),
        ]
    )
    func accepted(wire: String, content: String) {
        for buffers in cuts([UInt8](wire + "NOOP\r\n")) {
            let decoded = Decoded(buffers)
            #expect(decoded.content.text == content)
            #expect(decoded.outcome == .end)
            #expect(decoded.left.text == "NOOP\r\n")
            #expect(decoded.octetCount == content.utf8.count)
        }
    }

    @Test(
        "A bare CR, a bare LF and a NUL are refused at the genuine end, at every split",
        arguments: [
            ("a\nb\r\n.\r\n", .bareLineFeed),
            ("a\rb\r\n.\r\n", .bareCarriageReturn),
            ("a\0b\r\n.\r\n", .nul),
            ("\n.\r\n\r\n.\r\n", .bareLineFeed),
            ("\r\r\n.\r\n", .bareCarriageReturn),
            (".\r\r\n.\r\n", .bareCarriageReturn),
            (".\n\r\n.\r\n", .bareLineFeed),
            ("\0.\r\n\r\n.\r\n", .nul),
            ("a\rb\nc\0\r\n.\r\n", .bareCarriageReturn),
        ] as [(String, DotStuffing.Fault)]
    )
    func refused(wire: String, fault: DotStuffing.Fault) {
        for buffers in cuts([UInt8](wire + "NOOP\r\n")) {
            let decoded = Decoded(buffers)
            #expect(decoded.outcome == .refused(fault))
            #expect(decoded.left.text == "NOOP\r\n")
        }
    }

    @Test("A fault is known before the end is, and nothing is yielded after it")
    func earlyFault() {
        var decoder = DotStuffing.Decoder()
        var unread = [UInt8]("good\r\nbad\nmore\r\n")[...]
        #expect(decoder.decode(&unread) == nil)
        #expect(decoder.fault == .bareLineFeed)
        #expect(!decoder.isFinished)
        unread = [UInt8]("yet more\r\n.\r\nQUIT")[...]
        #expect(decoder.decode(&unread) == .refused(.bareLineFeed))
        #expect(Array(unread).text == "QUIT")
        #expect(decoder.decode(&unread) == nil)
        #expect(Array(unread).text == "QUIT")
    }

    static let smuggled =
        "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: x\r\n\r\nsmuggled\r\n.\r\n"

    @Test("S-01 to S-14: no fake end ends the content", arguments: FakeEnd.sequences, [false, true])
    func smuggling(fake: String, atStart: Bool) throws {
        try Self.expectOneMessage((atStart ? "" : "Subject: a\r\n\r\nbody") + fake + Self.smuggled)
    }

    @Test("S-01 to S-14: nor at the very start of content", arguments: FakeEnd.atStart)
    func smugglingAtStart(fake: String) throws {
        try Self.expectOneMessage(fake + Self.smuggled)
    }

    /// That `wire` is one message or none, and all of it, however it is cut.
    private static func expectOneMessage(_ wire: String) throws {
        let input = [UInt8](wire + "QUIT\r\n")
        let reference = try #require(Reference(input))
        #expect(reference.left.text == "QUIT\r\n", "the genuine end is the last one")
        for buffers in cuts(input) {
            let decoded = Decoded(buffers)
            #expect(decoded.left == reference.left)
            #expect(decoded.isRefused == reference.hasFault)
            if !reference.hasFault {
                #expect(decoded.outcome == .end)
                #expect(decoded.content == reference.content)
            }
        }
    }

    @Test("Random octets decode as by searching the whole wire, however they are cut", arguments: 0..<300)
    func random(seed: UInt64) {
        var generator = Seeded(seed)
        let pieces =
            seed.isMultiple(of: 2)
            ? ["\r\n", "\r\n", ".", ".", "a", "bcdefghijklm"] : ["\r", "\n", "\r\n", ".", ".", "a", "\0", "\t"]
        let wire = [UInt8]((0..<40).compactMap { _ in pieces.randomElement(using: &generator) }.joined() + "\r\n.\r\n")
        let whole = Decoded([wire])
        for buffers in cuts(wire) { #expect(Decoded(buffers) == whole) }
        guard let reference = Reference(wire) else {
            #expect(whole.outcome == nil)
            return
        }
        #expect(whole.left == reference.left)
        #expect(whole.isRefused == reference.hasFault)
        if !reference.hasFault { #expect(whole.content == reference.content) }
    }

    @Test("A long line passes as it is, in runs, and is measured")
    func longLine() {
        let line = String(repeating: "x", count: 100_000)
        let decoded = Decoded([[UInt8]("short\r\n.\(line)"), [UInt8]("\(line)\r\n.\r\n")])
        #expect(decoded.content.text == "short\r\n\(line)\(line)\r\n")
        #expect(decoded.longestLine == 200_000)
        #expect(decoded.octetCount == 200_009)
    }

    @Test(
        "The longest line is measured without CRLF and stuffing, at every split",
        arguments: [
            (".\r\n", 0), ("\r\n.\r\n", 0), ("abc\r\n.\r\n", 3), ("..bc\r\na\tc\u{1}\r\nx\r\n.\r\n", 4),
        ]
    )
    func longestLine(wire: String, expected: Int) {
        for buffers in cuts([UInt8](wire)) { #expect(Decoded(buffers).longestLine == expected) }
    }

    @Test("Text without dots at line starts is one run, not copied octet by octet")
    func runs() {
        let content = String(repeating: "a line of text\r\n", count: 1_000)
        var decoder = DotStuffing.Decoder()
        var unread = [UInt8](content)[...]
        #expect(decoder.decode(&unread) == .content([UInt8](content)[...]))
        #expect(decoder.decode(&unread) == nil)
    }

    @Test(
        "Normalising makes a bare LF a line end, but never the end, at every split",
        arguments: [
            ("a\nb\r\n.\r\n", "a\r\nb\r\n"),
            ("\n\n.\r\n\r\n.\r\n", "\r\n\r\n.\r\n\r\n"),
            ("a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\r\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"),
            ("a\n..b\n.\r\n.\r\n", "a\r\n.b\r\n.\r\n"),
            (".\n.\r\n\r\n.\r\n", ".\r\n.\r\n\r\n"),
        ]
    )
    func normalised(wire: String, content: String) {
        for buffers in cuts([UInt8](wire + "NOOP\r\n")) {
            let decoded = Decoded(buffers, bareLineFeeds: .normalised)
            #expect(decoded.content.text == content)
            #expect(decoded.outcome == .end)
            #expect(decoded.left.text == "NOOP\r\n")
            #expect(decoded.octetCount == content.utf8.count)
        }
    }

    @Test("Normalising still refuses a bare CR and a NUL, and finds the same end", arguments: FakeEnd.sequences)
    func normalisedSmuggling(fake: String) throws {
        let input = [UInt8]("body" + fake + Self.smuggled + "QUIT\r\n")
        let reference = try #require(Reference(input))
        let whole = Decoded([input], bareLineFeeds: .normalised)
        #expect(whole.left == reference.left)
        for buffers in cuts(input) { #expect(Decoded(buffers, bareLineFeeds: .normalised) == whole) }
    }
}
