// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import SMTPServer

/// RFC 3030 §2: text in chunks has CRLF at its line ends, wherever a chunk is cut.
@Suite("RFC 3030 §2") struct LineEndCheckTests {
    static let cases: [(String, DotStuffing.Fault?)] = [
        ("", nil), ("text", nil), ("\r\n\r\n.\r\n", nil), ("a\r\n", nil),
        ("\n", .bareLineFeed), ("a\nb", .bareLineFeed), ("\r\n\n", .bareLineFeed),
        ("\r", .bareCarriageReturn), ("a\r", .bareCarriageReturn), ("\ra\n", .bareCarriageReturn),
        ("\r\r\n", .bareCarriageReturn), ("\0", .nul), ("a\r\n\0\n", .nul), ("\r\0", .bareCarriageReturn),
    ]

    @Test("Whole and at each cut", arguments: cases)
    func check(_ text: String, _ fault: DotStuffing.Fault?) {
        let octets = Array(text.utf8)
        for cut in 0...octets.count {
            var check = LineEndCheck()
            check.check(octets[..<cut])
            check.check(octets[cut...])
            check.finish()
            #expect(check.fault == fault)
        }
    }
}
