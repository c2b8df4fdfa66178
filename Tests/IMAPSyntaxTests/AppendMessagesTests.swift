// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IMAPSyntax

/// The grammar of RFC 3502, RFC 3516 §7, RFC 4466 §2.4, RFC 4469 §5 and RFC 6855 §4, piece by piece.
@Suite("append-message") struct AppendMessagesTests {
    /// What pieces amount to, in short; nil if one of them is refused, or the last is not the end.
    private func summary(_ pieces: [String]) -> String? {
        var messages = AppendMessages()
        var words: [String] = []
        for (index, piece) in pieces.enumerated() {
            var parser = CommandParser(octets(piece))
            guard let elements = try? messages.read(&parser) else { return nil }
            words += elements.map { element in
                switch element {
                case .message(let flags, let date): "message\(flags.map(\.name))\(date == nil ? "" : "@")"
                case .literal(let header, _): "\(header.isBinary ? "~" : "")\(header.size)"
                case .url(let url): text(url)
                case .messageEnd: "."
                }
            }
            if index == pieces.count - 1, (try? messages.end(parser)) == nil { return nil }
        }
        return words.joined(separator: " ")
    }

    @Test(
        "what is read",
        arguments: [
            ([" {3}\r\n", ""], "message[] 3 ."),
            ([" () {3+}\r\n", ""], "message[] 3 ."),
            ([#" (\Seen $a) ~{3+}"# + "\r\n", ""], #"message["\\Seen", "$a"] ~3 ."#),
            ([#" (\Seen) " 7-Feb-1994 22:43:04 -0800" {3}"# + "\r\n", ""], #"message["\\Seen"]@ 3 ."#),
            ([" {3}\r\n", " (a) {4}\r\n", ""], #"message[] 3 . message["a"] 4 ."#),
            ([" UTF8 (~{3}\r\n", ")"], "message[] ~3 ."),
            ([" utf8 (~{3}\r\n", ") catenate (url x)"], "message[] ~3 . message[] x ."),
            ([" CATENATE (URL a URL \"b\")"], "message[] a b ."),
            ([" CATENATE (URL {2}\r\nab TEXT {0}\r\n", " URL {1+}\r\n))"], "message[] ab 0 ) ."),
            (
                [" CATENATE (TEXT {1}\r\n", " UTF8 (~{2}\r\n", ") TEXT {3}\r\n", ") {4}\r\n", ""],
                "message[] 1 ~2 3 . message[] 4 ."
            ),
        ]
    )
    func reads(_ pieces: [String], _ elements: String) { #expect(self.summary(pieces) == elements) }

    @Test(
        "what is refused",
        arguments: [
            [""], [" "], [" x"], ["{3}\r\n", ""], [" {3}\r\nabc"], [" {3}\r\n", " "], [" {3}\r\n", ")"],
            [" UTF8 {3}\r\n", ""], [" UTF8 ({3}\r\n", ")"], [" UTF8 (~{3}\r\n", ""], [" UTF8 (~{3}\r\n", "))"],
            [" UTF8(~{3}\r\n", ")"],
            [" CATENATE"], [" CATENATE ()"], [" CATENATE URL a"], [" CATENATE (URL a"], [" CATENATE (URL a "],
            [" CATENATE (URL a )"], [" CATENATE (URL)"], [" CATENATE (URL a)x"], [" CATENATE (TEXT abc)"],
            [" CATENATE (TEXT \"abc\")"], [" CATENATE (TEXT {1}\r\n", ""], [" CATENATE (TEXT {1}\r\n", "TEXT {1}\r\n"],
            [" CATENATE ((URL a))"], [" CATENATE (URL ~{1}\r\na)"], [#" (\Seen)"#], [#" (\Seen){3}"# + "\r\n", ""],
        ]
    )
    func refuses(_ pieces: [String]) { #expect(self.summary(pieces) == nil) }

    @Test("only so many messages, parts and octets of a URL")
    func limits() {
        func messages(_ count: Int) -> [String] { Array(repeating: " {1}\r\n", count: count) + [""] }
        #expect(self.summary(messages(1000)) != nil)
        #expect(self.summary(messages(1001)) == nil)
        func parts(_ count: Int) -> String {
            " CATENATE (" + Array(repeating: "URL a", count: count).joined(separator: " ") + ")"
        }
        #expect(self.summary([parts(1000)]) != nil)
        #expect(self.summary([parts(1001)]) == nil)
        #expect(self.summary([parts(1000) + parts(1000)]) != nil)
        #expect(self.summary([" CATENATE (URL \(String(repeating: "a", count: 4096)))"]) != nil)
        #expect(self.summary([" CATENATE (URL \(String(repeating: "a", count: 4097)))"]) == nil)
    }

    @Test("any pieces, in any order, are read or refused")
    func random() {
        var generator = SeededGenerator(seed: 4466)
        let tokens = [
            " ", " (", "(", ")", "TEXT ", "URL ", "UTF8 (", "CATENATE (", " {3}\r\n", " ~{3+}\r\n", "{3}\r\n", "abc",
            "\"x\"",
            #"(\Seen)"#, #"" 7-Feb-1994 22:43:04 -0800""#, "{", "}", "\0", "\r\n", "",
        ]
        var readCount = 0
        for _ in 0..<20_000 {
            var messages = AppendMessages()
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let piece = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                    tokens.randomElement(using: &generator) ?? ""
                }
                var parser = CommandParser(octets(piece.joined()))
                guard let elements = try? messages.read(&parser) else { break }
                #expect(parser.atEnd)
                #expect(elements.count { if case .literal = $0 { true } else { false } } <= 1)
                if (try? messages.end(parser)) != nil { readCount += 1 }
            }
        }
        #expect(readCount > 10)
    }

    @Test(
        "which literal is a URL's",
        arguments: [
            ("a APPEND x CATENATE (URL {3}\r\n", true), (" url {3+}\r\n", true), ("(Url {3}\r\n", true),
            (" TEXT {3}\r\n", false), (" {3}\r\n", false), ("", false), ("\r\n", false), ("xURL {3}\r\n", false),
            (" URL ~{3}\r\n", false),
        ]
    )
    func urlLiterals(_ piece: String, _ isURL: Bool) {
        #expect(AppendMessages.endsWithURL(octets(piece)[...]) == isURL)
    }
}
