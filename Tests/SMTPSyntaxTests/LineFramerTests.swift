// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

/// What a framer says to some octets: lines and faults in order.
private enum Heard: Hashable {
    case line(String)
    case fault(LineFault)
}

private func heard(_ framer: inout LineFramer) -> [Heard] {
    var heard: [Heard] = []
    while true {
        do {
            guard let line = try framer.nextLine() else { return heard }
            heard.append(.line(Array(line).text))
        } catch {
            heard.append(.fault(error))
        }
    }
}

private func heard(_ buffers: [[UInt8]], limit: Int) -> [Heard] {
    var framer = LineFramer(limit: limit)
    return buffers.flatMap { buffer in
        framer.append(buffer)
        return heard(&framer)
    }
}

@Suite("RFC 5321 §2.3.8 Lines") struct LineFramerTests {
    @Test(
        "Only CRLF ends a line, at every split",
        arguments: [
            ("", []),
            ("\r\n", [.line("")]),
            ("NOOP\r\n", [.line("NOOP")]),
            ("EHLO a\r\nMAIL <>\r\nx", [.line("EHLO a"), .line("MAIL <>")]),
            ("NOOP", []),
            ("NOOP\r", []),
            ("NOOP\n", [.fault(.bareLineFeed)]),
            ("NOOP\nQUIT\r\nRSET\r\n", [.fault(.bareLineFeed), .line("RSET")]),
            ("NOOP\rQUIT\r\nRSET\r\n", [.fault(.bareCarriageReturn), .line("RSET")]),
            ("NOOP\r\r\nRSET\r\n", [.fault(.bareCarriageReturn), .line("RSET")]),
            ("\n\r\nRSET\r\n", [.fault(.bareLineFeed), .line("RSET")]),
            ("A\nB\nC\rD\r\nRSET\r\n", [.fault(.bareLineFeed), .line("RSET")]),
            ("A\nx\r\nB\n\nRSET\r\nNOOP\r\n", [.fault(.bareLineFeed), .fault(.bareLineFeed), .line("NOOP")]),
            ("12345678\r\nRSET\r\n", [.line("12345678"), .line("RSET")]),
            ("123456789\r\nRSET\r\n", [.fault(.tooLong), .line("RSET")]),
            ("12345678901234567890\nx\ry\r\nRSET\r\n", [.fault(.tooLong), .line("RSET")]),
            ("12345678\n0\r\nRSET\r\n", [.fault(.bareLineFeed), .line("RSET")]),
            ("123456789\n\r\nRSET\r\n", [.fault(.tooLong), .line("RSET")]),
            ("12345678\r0\r\nRSET\r\n", [.fault(.bareCarriageReturn), .line("RSET")]),
            ("1234567890\r\r\nRSET\r\n", [.fault(.tooLong), .line("RSET")]),
        ] as [(String, [Heard])]
    )
    fileprivate func everySplit(input: String, expected: [Heard]) {
        for buffers in cuts([UInt8](input)) {
            #expect(heard(buffers, limit: 10) == expected, "\(buffers.map(\.count))")
        }
    }

    @Test(
        "A line of exactly the limit passes, one octet more does not",
        arguments: [
            LineFramer.commandLimit, LineFramer.authenticationLimit, LineFramer.replyLimit,
        ]
    )
    func limits(limit: Int) {
        let longest = String(repeating: "a", count: limit - 2)
        #expect(heard([[UInt8](longest + "\r\n")], limit: limit) == [.line(longest)])
        #expect(heard([[UInt8](longest + "a\r\nb\r\n")], limit: limit) == [.fault(.tooLong), .line("b")])
    }

    @Test("The limit may change between two lines of one buffer")
    func changingLimit() throws {
        var framer = LineFramer(limit: 10)
        framer.append([UInt8]("AUTH\r\n1234567890\r\n1234567890\r\n"))
        #expect(try framer.nextLine().map { Array($0).text } == "AUTH")
        framer.limit = 12
        #expect(try framer.nextLine().map { Array($0).text } == "1234567890")
        framer.limit = 10
        #expect(throws: LineFault.tooLong) { try framer.nextLine() }
    }

    @Test("An endless line is reported once, and nothing of it is kept")
    func endlessLine() {
        var framer = LineFramer(limit: 512)
        var faults: [Heard] = []
        for _ in 0..<1_000 {
            framer.append([UInt8](repeating: 0x41, count: 10_000))
            faults += heard(&framer)
            #expect(!framer.hasUnread)
        }
        #expect(faults == [.fault(.tooLong)])
        framer.append([UInt8]("\r\nNOOP\r\n"))
        #expect(heard(&framer) == [.line("NOOP")])
    }

    @Test("A line that comes octet by octet takes linear time", .timeLimit(.minutes(20)))
    func octetByOctet() throws {
        var framer = LineFramer(limit: 2_000_000)
        for _ in 0..<1_000_000 {
            framer.append([0x41])
            guard try framer.nextLine() == nil else { break }
        }
        framer.append([UInt8]("\r\n"))
        #expect(try framer.nextLine()?.count == 1_000_000)
    }

    @Test("Many small lines in one buffer take linear time", .timeLimit(.minutes(20)))
    func manyLines() {
        var framer = LineFramer()
        framer.append([UInt8](String(repeating: "N\r\n", count: 400_000)))
        #expect(heard(&framer).count == 400_000)
    }

    @Test("What is behind a command that ends its group can be seen, and thrown away")
    func unread() throws {
        var framer = LineFramer()
        #expect(!framer.hasUnread)
        framer.append([UInt8]("STARTTLS\r\nEHLO x\r\nNOO"))
        #expect(try framer.nextLine().map { Array($0).text } == "STARTTLS")
        #expect(framer.hasUnread)
        framer.reset()
        #expect(!framer.hasUnread)
        framer.append([UInt8]("P\r\n"))
        #expect(heard(&framer) == [.line("P")])
    }

    @Test("Reset forgets that a line was being passed over")
    func resetWhilePassingOver() {
        var framer = LineFramer()
        framer.append([UInt8]("a\nb"))
        #expect(heard(&framer) == [.fault(.bareLineFeed)])
        framer.reset()
        framer.append([UInt8]("NOOP\r\n"))
        #expect(heard(&framer) == [.line("NOOP")])
    }

    @Test("Lines, content, chunks and lines again come out of one buffer, at every split")
    func handOver() {
        let input = "DATA\r\n..a\r\nb\r\n.\r\nBDAT 5\r\n\r\n.\r\nBDAT 0 LAST\r\nQUIT\r\n"
        for buffers in cuts([UInt8](input)) {
            var framer = LineFramer()
            var lines: [String] = []
            var content: [UInt8] = []
            var chunk: [UInt8] = []
            var decoder: DotStuffing.Decoder?
            var counter: ChunkCounter?
            for buffer in buffers {
                framer.append(buffer)
                reading: while true {
                    if var current = decoder {
                        let event = framer.nextContent(&current)
                        decoder = current
                        switch event {
                        case .content(let run): content += run
                        case .end: decoder = nil
                        case .refused: Issue.record("refused")
                        case nil: break reading
                        }
                    } else if var current = counter {
                        if let run = framer.nextChunk(&current) { chunk += run }
                        counter = current.isComplete ? nil : current
                        if counter != nil { break reading }
                    } else {
                        guard let line = try? framer.nextLine() else { break reading }
                        lines.append(Array(line).text)
                        if lines.last == "DATA" { decoder = DotStuffing.Decoder() }
                        if lines.last == "BDAT 5" { counter = ChunkCounter(size: 5, isLast: false) }
                    }
                }
            }
            #expect(lines == ["DATA", "BDAT 5", "BDAT 0 LAST", "QUIT"])
            #expect(content.text == ".a\r\nb\r\n")
            #expect(chunk.text == "\r\n.\r\n")
            #expect(!framer.hasUnread)
        }
    }

    @Test("Random octets give the same lines however they are cut", arguments: 0..<200)
    func random(seed: UInt64) {
        var generator = Seeded(seed)
        let alphabet = [UInt8]("\r\n\r\n\nab")
        let input = (0..<200).compactMap { _ in alphabet.randomElement(using: &generator) }
        var buffers: [[UInt8]] = []
        var rest = input[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...12, using: &generator)
            buffers.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(heard(buffers, limit: 8) == heard([input], limit: 8))
    }
}
