// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("The parser gives the same result however the octets are cut")
struct MessageParserSplitTests {
    static let messages: [[UInt8]] = [
        message(
            """
            From: a@x
            Subject: a
             b
            Content-Type: multipart/mixed;
             boundary="b"

            preamble
            --b
            Content-Type: message/rfc822

            Subject: c
            Content-Type: multipart/digest; boundary=bb

            --bb

            Subject: d

            -
            --
            --bc
            --bb--
            --b
            Content-Type: text/html

            -\(" ")--b
            --b--
            epilogue
            """
        ),
        octets("A: b\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\n--b\n\r\n\r\r\n--b\r\n\n--b--\r"),
        octets("\r\n\r\n"),
        octets("A\rB: c\r\r\n\r\n"),
    ]

    private func parse(_ chunks: [ArraySlice<UInt8>]) -> MessageSummary {
        var parser = MessageParser()
        for chunk in chunks {
            parser.append(chunk)
        }
        return parser.finish()
    }

    @Test(arguments: messages)
    func everySplit(message: [UInt8]) {
        let whole = self.parse([message[...]])
        #expect(faults(of: whole) == [])
        for cut in 0...message.count {
            #expect(self.parse([message[..<cut], message[cut...]]) == whole, "cut at \(cut)")
        }
        #expect(self.parse(message.indices.map { index in message[index...index] }) == whole)
        #expect(self.parse([[], message[...], []]) == whole)
    }

    @Test(arguments: messages)
    func everyBeginning(message: [UInt8]) {
        for count in 0...message.count {
            let summary = self.parse([message.prefix(count)])
            #expect(faults(of: summary) == [], "\(count) octets")
            #expect(summary.size == count)
        }
    }
}
