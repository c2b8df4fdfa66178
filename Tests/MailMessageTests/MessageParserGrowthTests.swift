// SPDX-License-Identifier: Apache-2.0

import Glibc
import MailMessage
import Testing

/// I-09: twice as much takes twice as long, whatever it is.
@Suite("How long the parser takes for how much", .serialized) struct MessageParserGrowthTests {
    /// A kind of message that comes in any size.
    struct Generator: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Makes a message of about so many octets.
        let make: @Sendable (Int) -> [UInt8]

        init(_ name: String, _ make: @escaping @Sendable (Int) -> [UInt8]) {
            self.testDescription = name
            self.make = make
        }

        /// `unit` over and over, between a beginning and an end.
        static func repeating(_ name: String, _ start: String, _ unit: String, _ end: String = "") -> Generator {
            Generator(name) { size in octets(start) + repeated(unit, count: size / unit.utf8.count) + octets(end) }
        }

        /// Each level says its number.
        static func nested(_ name: String, _ level: @escaping @Sendable (Int) -> String) -> Generator {
            Generator(name) { size in
                var text = "Content-Type: multipart/mixed; boundary=0\r\n\r\n"
                var number = 0
                while text.utf8.count < size {
                    number += 1
                    text += level(number)
                }
                return octets(text)
            }
        }
    }

    private static let multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

    static let generators: [Generator] = [
        .nested("multiparts in multiparts") {
            "--\($0 - 1)\r\nContent-Type: multipart/mixed; boundary=\($0)\r\n\r\n"
        },
        .repeating("messages in messages", "", "Content-Type: message/rfc822\r\n\r\n"),
        Generator("a hundred open boundaries, and lines like them") { size in
            var text = "Content-Type: multipart/mixed; boundary=b0\r\n\r\n"
            for level in 1..<98 {
                text += "--b\(level - 1)\r\nContent-Type: multipart/mixed; boundary=b\(level)\r\n\r\n"
            }
            return octets(text) + repeated("--b\r\n--b9\r\n--\r\n", count: size / 15)
        },
        .repeating("the same boundary in itself", Self.multipart, "--b\r\n" + Self.multipart),
        .repeating("parts", Self.multipart, "--b\r\n\r\nx\r\n", "--b--\r\n"),
        .repeating("lines that begin like a boundary", Self.multipart, "--bb\r\n"),
        .repeating("header fields", "Subject: x\r\n", "X: y\r\n", "\r\n"),
        .repeating("one field of one line", "X: ", "y", "\r\n\r\n"),
        .repeating("one field of many lines", "Subject: x\r\n", " y\r\n", "\r\n"),
        .repeating("lines that are no fields", "Subject: x\r\n", "y\r\n", "\r\n"),
        .repeating("a field again and again", "", "To: a@b\r\n", "\r\n"),
        .repeating("addresses", "To: a@b", ",a@b", "\r\n\r\n"),
        .repeating("groups of addresses", "To: ", "a:", "\r\n\r\n"),
        .repeating("comments in comments", "To: ", "(", "\r\n\r\n"),
        .repeating("quotes", "To: ", "\"\\\"", "\r\n\r\n"),
        .repeating("references", "References: ", "<a@b> ", "\r\n\r\n"),
        .repeating("encoded words", "Subject: ", "=?utf-8?q?=41?= ", "\r\n\r\n"),
        .repeating("parameters", "Content-Type: text/plain", ";a=b", "\r\n\r\n"),
        .repeating("pieces of one parameter", "Content-Type: text/plain", ";name*1=b", "\r\n\r\n"),
        .nested("pieces of one parameter, numbered") { "Content-Disposition: a;name*\($0)=b\r\n" },
        .repeating("a line without end", Self.multipart + "--b", "-"),
        .repeating("carriage returns", Self.multipart, "\r"),
    ]

    /// What the processor spent in this thread: other programs do not count.
    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    /// The least of three, for the first may find caches cold.
    private static func time(of octets: [UInt8]) -> Duration {
        (0..<3).map { _ in
            let start = self.processorTime()
            var parser = MessageParser()
            parser.append(octets)
            #expect(parser.finish().root.headerRange.lowerBound == 0)
            return self.processorTime() - start
        }.min() ?? .zero
    }

    @Test("Eight times as much takes about eight times as long", .timeLimit(.minutes(20)), arguments: generators)
    func growth(_ generator: Generator) {
        let (small, large) = (generator.make(1 << 15), generator.make(1 << 18))
        // Quadratic work would take 64 times as long. Shared caches and clock rates make a measurement wrong now and
        // then; not three times in a row.
        var factor = 0.0
        for _ in 0..<3 {
            factor = Self.time(of: large) / Self.time(of: small)
            if factor < 20 { return }
        }
        Issue.record("eight times as much takes \(factor) times as long")
    }

    @Test("20 MB of header", .timeLimit(.minutes(20)))
    func header() {
        let piece = repeated("To: a@b\r\n", count: 1_000_000 / 9)
        var parser = MessageParser()
        parser.append(octets("Subject: x\r\n"))
        for _ in 0..<20 { parser.append(piece) }
        parser.append(octets("\r\nbody"))
        let summary = parser.finish()
        #expect(faults(of: summary) == [])
        #expect(text(summary.envelope.subject) == "x")
        #expect(summary.root.bodyRange.count == 4)
        #expect(summary.encoded().count < 1_000_000)
    }
}
