// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

/// Plays a session's part for a framer, and writes down what happens, one line an event.
private struct Player {
    var framer = CommandFramer(limits: .init(line: 40, command: 100, literals: 3))
    var log: [String] = []
    private var streamed: [UInt8]?

    /// APPEND is streamed, REFUSE refused, all else gathered; IDLE is followed by a bare line.
    mutating func play(_ octets: [UInt8]) {
        self.framer.append(octets)
        while true {
            if self.log.last?.hasSuffix("IDLE") == true {
                do {
                    guard let line = try self.framer.nextLine() else { return }
                    self.log.append("line \(text(line).debugDescription)")
                } catch {
                    self.log.append("\(error.reason) \(error.tag ?? "-")")
                }
                continue
            }
            guard let event = self.framer.next() else { return }
            switch event {
            case .command(let command): self.log.append(text(command))
            case .failure(let error): self.log.append("\(error.reason) \(error.tag ?? "-")")
            case .octets(let octets):
                #expect(!octets.isEmpty)
                self.streamed = (self.streamed ?? []) + octets
            case .literalEnd:
                self.log.append("streamed \(text(self.streamed ?? []).debugDescription)")
                self.streamed = nil
            case .literal(let literal):
                let sign = literal.header.isNonSynchronizing ? "" : "+"
                let command = text(literal.command)
                if command.contains("APPEND") && !command.hasSuffix("APPEND {1}\r\n") || command.contains("~") {
                    self.log.append("\(sign)stream \(literal.tag ?? "-") \(command.debugDescription)")
                    self.framer.stream()
                } else if command.contains("REFUSE") {
                    self.log.append("refuse \(literal.tag ?? "-") \(literal.header.size)")
                    self.framer.refuse()
                } else {
                    self.log.append("\(sign)gather \(literal.tag ?? "-") \(literal.header.size) \(literal.fits)")
                    self.framer.gather()
                }
            }
        }
    }

    /// What happens when the input comes in these pieces.
    static func log(_ pieces: [[UInt8]]) -> [String] {
        var player = Player()
        for piece in pieces { player.play(piece) }
        return player.log
    }
}

/// A stream of octets and what it amounts to, however it is split.
private struct Stream: CustomTestStringConvertible {
    var testDescription: String
    var input: [UInt8]
    var log: [String]

    init(_ title: String, _ input: String, _ log: [String]) {
        self.testDescription = title
        self.input = octets(input)
        self.log = log
    }
}

private let x40 = String(repeating: "x", count: 40)

private let streams =
    [
        Stream("nothing", "", []),
        Stream("one command", "a1 NOOP\r\n", ["a1 NOOP"]),
        Stream("pipelined", "a1 NOOP\r\na2 NOOP\r\na3 CAPABILITY\r\n", ["a1 NOOP", "a2 NOOP", "a3 CAPABILITY"]),
        Stream("a bare LF, and a CR that is no line end", "a1 NOOP\na2 \rNOOP\r\r\n", ["a1 NOOP", "a2 \rNOOP\r"]),
        Stream("empty lines before a tag", "\r\n\r\n\na1 NOOP\r\n\r\na2 NOOP\r\n", ["a1 NOOP", "a2 NOOP"]),
        Stream("a space is no empty line", " \r\n", [" "]),
        Stream(
            "literals",
            "a1 LOGIN {3}\r\nb\r\n {2+}\r\n{0\r\na2 NOOP\r\n",
            ["+gather a1 3 true", "gather a1 2 true", "a1 LOGIN {3}\r\nb\r\n {2+}\r\n{0", "a2 NOOP"]
        ),
        Stream(
            "literals of no octets",
            "a1 LOGIN {0}\r\n {0+}\r\n\r\na2 NOOP\r\n",
            ["+gather a1 0 true", "gather a1 0 true", "a1 LOGIN {0}\r\n {0+}\r\n", "a2 NOOP"]
        ),
        Stream(
            "a literal's octets are never commands",
            "a1 X {16+}\r\na2 NOOP\r\n{99+}\r\n\r\na3 NOOP\r\n",
            ["gather a1 16 true", "a1 X {16+}\r\na2 NOOP\r\n{99+}\r\n", "a3 NOOP"]
        ),
        Stream(
            "APPEND",
            "a1 APPEND Sent (\\Seen) {5}\r\nh\r\n\r\n\r\na2 NOOP\r\n",
            ["+stream a1 \"a1 APPEND Sent (\\\\Seen) {5}\\r\\n\"", "streamed \"h\\r\\n\\r\\n\"", "", "a2 NOOP"]
        ),
        Stream(
            "APPEND to a mailbox in a literal",
            "a1 X {1}\r\nm {2+}\r\n\r\n\r\na2 NOOP\r\n",
            ["+gather a1 1 true", "gather a1 2 true", "a1 X {1}\r\nm {2+}\r\n\r\n", "a2 NOOP"]
        ),
        Stream(
            "MULTIAPPEND",
            "a1 APPEND m {2}\r\nab () ~{3+}\r\nc\0d\r\na2 NOOP\r\n",
            [
                "+stream a1 \"a1 APPEND m {2}\\r\\n\"", "streamed \"ab\"", "stream a1 \" () ~{3+}\\r\\n\"",
                "streamed \"c\\0d\"", "", "a2 NOOP",
            ]
        ),
        Stream(
            "CATENATE gathers what follows",
            "a1 APPEND m CATENATE (TEXT {1}\r\na URL {2}\r\nbc)\r\na2 NOOP\r\n",
            [
                "+stream a1 \"a1 APPEND m CATENATE (TEXT {1}\\r\\n\"", "streamed \"a\"", "+gather a1 2 true",
                " URL {2}\r\nbc)", "a2 NOOP",
            ]
        ),
        Stream(
            "an empty APPEND",
            "a1 APPEND m {0+}\r\n\r\na2 NOOP\r\n",
            ["stream a1 \"a1 APPEND m {0+}\\r\\n\"", "streamed \"\"", "", "a2 NOOP"]
        ),
        Stream(
            "a refused synchronizing literal is not sent",
            "a1 REFUSE {9999999999}\r\na2 NOOP\r\n",
            ["refuse a1 9999999999", "a2 NOOP"]
        ),
        Stream(
            "a refused literal that comes all the same is skipped with the rest of its command",
            "a1 REFUSE {9+}\r\na2 NOOP\r\n x {3+}\r\na\r\n y\r\na3 NOOP\r\n",
            ["refuse a1 9", "a3 NOOP"]
        ),
        Stream(
            "a command refused twice over",
            "a1 REFUSE {1+}\r\nx {5}\r\na2 NOOP\r\n",
            ["refuse a1 1", "a2 NOOP"]
        ),
        Stream(
            "what fits not",
            "a1 X {101+}\r\n\(String(repeating: "a1 NOOP\r\n", count: 11))xx\r\na2 NOOP\r\n",
            ["gather a1 101 false", "commandTooLong a1", "a2 NOOP"]
        ),
        Stream(
            "too many literals",
            "a1 {0+}\r\n{0+}\r\n{0+}\r\n{0+}\r\n{1+}\r\n\n\r\na2 NOOP\r\n",
            [
                "gather a1 0 true", "gather a1 0 true", "gather a1 0 true", "gather a1 0 false", "commandTooLong a1",
                "a2 NOOP",
            ]
        ),
        Stream("a line as long as may be", "a1 \(x40.dropLast(3))\r\na2\n", ["a1 \(x40.dropLast(3))", "a2"]),
        Stream("a line one too long", "a1 \(x40.dropLast(2))\r\na2\n", ["lineTooLong a1", "a2"]),
        Stream("a line much too long", "a1 \(x40)\(x40)\(x40)\r\na2\r\n", ["lineTooLong a1", "a2"]),
        Stream("a long line without a tag", "(\(x40)\(x40) \r\na2\r\n", ["lineTooLong -", "a2"]),
        Stream(
            "a long line that ends with a literal",
            "a1 \(x40)\(x40)~{9+}\r\na2 NOOP\r\n\(x40)\(x40)\r\na3\r\n",
            ["lineTooLong a1", "a3"]
        ),
        Stream(
            "a long line that asks for a literal",
            "a1 \(x40)\(x40){9}\r\na2 NOOP\r\na3\r\n",
            ["lineTooLong a1", "a2 NOOP", "a3"]
        ),
        Stream(
            "the lines of one command together too long",
            "a1 \(x40.dropLast(20)) {1+}\r\n. \(x40.dropLast(20))\r\na2\r\n",
            ["gather a1 1 true", "lineTooLong a1", "a2"]
        ),
        Stream(
            "the rest of an APPEND too long",
            "a1 APPEND m {1+}\r\n. \(x40)\r\na2\r\n",
            ["stream a1 \"a1 APPEND m {1+}\\r\\n\"", "streamed \".\"", "lineTooLong a1", "a2"]
        ),
        Stream("IDLE", "a1 IDLE\r\nDONE\r\na2 NOOP\r\n", ["a1 IDLE", "line \"DONE\"", "a2 NOOP"]),
        Stream(
            "bare lines are taken as they are",
            "a1 IDLE\r\n{5+}\r\na2 IDLE\n\r\na3\r\n",
            ["a1 IDLE", "line \"{5+}\"", "a2 IDLE", "line \"\"", "a3"]
        ),
        Stream("a bare line too long", "a1 IDLE\r\n\(x40)y\r\nDONE\r\n", ["a1 IDLE", "lineTooLong -", "DONE"]),
    ]
    + ["{01}", "{5 }", "{-1}", "{+10}", "{10++}", "{}", "{+}", "{ 1}", "5}", "{1}}", "{1} ", "{18446744073709551617}"]
    .map {
        Stream("\($0) announces nothing", "a1 X \($0)\r\na2 NOOP\r\n", ["a1 X \($0)", "a2 NOOP"])
    }

@Suite("RFC 9051 §2.2.1, §4.3 Command framing")
struct CommandFramerTests {
    @Test("whole, octet by octet, and at each cut", arguments: streams)
    fileprivate func everySplit(_ stream: Stream) {
        #expect(Player.log([stream.input]) == stream.log)
        #expect(Player.log(stream.input.map { [$0] }) == stream.log)
        for cut in stream.input.indices.dropFirst() {
            #expect(
                Player.log([Array(stream.input[..<cut]), Array(stream.input[cut...])]) == stream.log,
                "cut at \(cut)"
            )
        }
    }

    @Test("streams behind each other keep apart")
    func pipelined() {
        let input = streams.filter { !$0.input.isEmpty }
        let log = input.flatMap(\.log)
        #expect(Player.log([input.flatMap(\.input)]) == log)
        #expect(Player.log(input.flatMap(\.input).map { [$0] }) == log)
    }

    @Test("nothing comes before the session has spoken")
    func waits() {
        var framer = CommandFramer()
        framer.append(octets("a1 X {1+}\r\ny\r\na2 NOOP\r\n"))
        guard case .literal(let literal) = framer.next() else {
            Issue.record("no announcement")
            return
        }
        #expect(literal.header == LiteralHeader(size: 1, isNonSynchronizing: true))
        #expect(framer.next() == nil)
        #expect((try? framer.nextLine()) == .some(nil))
        framer.gather()
        #expect(framer.next() == .command(octets("a1 X {1+}\r\ny")))
        #expect(framer.next() == .command(octets("a2 NOOP")))
        #expect(framer.next() == nil)
    }

    @Test("a command may be given up in the middle of its literal", arguments: ["{9}", "{9+}"])
    func refusalWhileStreaming(_ announcement: String) {
        var framer = CommandFramer()
        framer.append(octets("a1 APPEND m \(announcement)\r\na2 N"))
        _ = framer.next()
        framer.stream()
        #expect(framer.next() == .octets(octets("a2 N")[...]))
        framer.refuse()
        framer.append(octets("OOP\r\n rest\r\na3 NOOP\r\n"))
        #expect(framer.next() == .command(octets("a3 NOOP")))
    }

    @Test("a command may be given up behind its literal")
    func refusalAfterStreaming() {
        var framer = CommandFramer()
        framer.append(octets("a1 APPEND m {1+}\r\nx"))
        _ = framer.next()
        framer.stream()
        #expect(framer.next() == .octets(octets("x")[...]))
        #expect(framer.next() == .literalEnd)
        framer.refuse()
        framer.append(octets(" {2+}\r\n\r\n\r\na2 NOOP\r\n"))
        #expect(framer.next() == .command(octets("a2 NOOP")))
    }

    @Test("a refusal of nothing does nothing")
    func idleRefusal() {
        var framer = CommandFramer()
        framer.append(octets("a1 NO"))
        #expect(framer.next() == nil)
        framer.refuse()
        framer.gather()
        framer.stream()
        framer.append(octets("OP\r\n"))
        #expect(framer.next() == .command(octets("a1 NOOP")))
    }

    @Test(
        "reset forgets everything but the limits",
        arguments: [
            "a1 NO", "a1 X {5+}\r\n", "a1 X {5}\r\nab", String(repeating: "x", count: 9000), "a1 NOOP\r\na2 NOOP\r\n",
        ]
    )
    func reset(_ before: String) {
        var framer = CommandFramer(limits: .authenticated)
        #expect(framer.isEmpty)
        framer.append(octets(before))
        #expect(!framer.isEmpty)
        if case .literal = framer.next() { framer.gather() }
        _ = framer.next()
        framer.reset()
        #expect(framer.isEmpty)
        #expect(framer.limits == .authenticated)
        framer.append(octets("b1 NOOP\r\n"))
        #expect(framer.next() == .command(octets("b1 NOOP")))
        #expect(framer.isEmpty)
    }

    @Test("the limits may be raised between commands")
    func raisedLimits() {
        var framer = CommandFramer()
        let long = "a1 " + String(repeating: "x", count: 20_000)
        framer.append(octets(long + "\r\n"))
        #expect(framer.next() == .failure(FramingError(.lineTooLong, tag: "a1")))
        #expect(framer.next() == nil)
        framer.limits = .authenticated
        framer.append(octets(long + "\r\n"))
        #expect(framer.next() == .command(octets(long)))
    }

    @Test(
        "announced sizes",
        arguments: [
            ("{9223372036854775807+}", LiteralHeader(size: UInt64(Int64.max), isNonSynchronizing: true)),
            ("{4294967296}", LiteralHeader(size: 4_294_967_296)),
            (
                "~{9223372036854775807+}",
                LiteralHeader(size: UInt64(Int64.max), isNonSynchronizing: true, isBinary: true)
            ),
            ("{9223372036854775808}", nil), ("{99999999999999999999}", nil),
        ] as [(String, LiteralHeader?)]
    )
    func sizes(_ announcement: String, _ header: LiteralHeader?) {
        var framer = CommandFramer()
        framer.append(octets("a1 X \(announcement)\r\n"))
        guard case .literal(let literal) = framer.next() else {
            #expect(header == nil)
            return
        }
        #expect(literal.header == header)
        #expect(!literal.fits)
        var parser = CommandParser(literal.command)
        _ = try? parser.tag()
        try? parser.sp()
        _ = try? parser.commandName()
        try? parser.sp()
        #expect((try? parser.literalHeader()) == header)
        #expect(parser.atEnd)
    }
}
