// SPDX-License-Identifier: Apache-2.0

import MailMessage
import TestSupport
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §6.4.5.1 HEADER.FIELDS")
struct FetchHeaderFieldsTests {
    private func filter(_ header: [UInt8], _ names: [String], _ isMatching: Bool, cutAt cuts: [Int]) -> [UInt8] {
        var filter = HeaderFieldFilter(names.map { Array($0.utf8) }, isMatching: isMatching)
        var output: [UInt8] = []
        var start = 0
        for cut in cuts + [header.count] where cut >= start {
            filter.filter(header[start..<cut], into: &output)
            start = cut
        }
        filter.finish(into: &output)
        return output
    }

    private static let headers = [
        "From: a\nTo: b\nSubject: c\n\n", "FROM: a\n", "", "\n", "\r", "from", "from:", "From : a\n\n",
        "From\t \t: a\n\n",
        "Fro: a\nFromm: b\nFrom: c\n\n", " continued\nFrom: a\n\n", "From: a\n b\n\tc\nTo: d\n e\n\n",
        "no field\nFrom: a\n\n", "From a\n b\n\n", ": a\nFrom: b\n\n", "From\n : a\n\n", "\rFrom: a\nTo: b\n\n",
        "From: a\r\rTo: b\n\n", "F\u{0}rom: a\nFrom:\u{0}\n\n", "From: a\nFrom: b\nTo: c", "To: a\n\nFrom: b\n\n",
    ]

    @Test("cut anywhere, it picks what the whole header would give", arguments: headers, [true, false])
    func cuts(_ header: String, _ isMatching: Bool) {
        // With CRLF, with bare LF, and with both.
        for header in [octets(header), Array(header.utf8), octets("X: y\n") + Array(header.utf8)] {
            for names in [["From"], ["to", "FROM"], ["nothing"], ["Subject", "x"]] {
                let expected = HeaderParser.subset(
                    of: header[...],
                    names: names.map { Array($0.utf8) },
                    matching: isMatching
                )
                #expect(self.filter(header, names, isMatching, cutAt: Array(0..<header.count)) == expected)
                for cut in 0...header.count {
                    #expect(self.filter(header, names, isMatching, cutAt: [cut]) == expected)
                }
            }
        }
    }

    @Test("random headers", arguments: 0..<20 as Range<UInt64>)
    func random(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("ab:: \t\r\n\n\n\u{0}".utf8)
        for _ in 0..<100 {
            let header = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            let names = [["a"], ["ab", "B"], ["aab"]][Int.random(in: 0..<3, using: &random)]
            let isMatching = Bool.random(using: &random)
            let cuts = (0..<3).map { _ in Int.random(in: 0...header.count, using: &random) }.sorted()
            #expect(
                self.filter(header, names, isMatching, cutAt: cuts)
                    == HeaderParser.subset(of: header[...], names: names.map { Array($0.utf8) }, matching: isMatching)
            )
        }
    }

    @Test("nothing is held back without end")
    func bounded() {
        let names = [Array("subject".utf8)]
        var filter = HeaderFieldFilter(names, isMatching: false)
        var output: [UInt8] = []
        let line = Array("Subject".utf8) + [UInt8](repeating: 0x20, count: 5000)
        filter.filter(line[...], into: &output)
        #expect(output == line)
    }
}
