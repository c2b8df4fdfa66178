// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

/// A summary is the same whether the fields before a message were there while it was read or came later.
@Suite("Fields before a message") struct MessageSummaryFrontTests {
    private static let front = "Return-Path: <a@example.org>\r\nX-Result: a;\r\n\tb\r\n"

    @Test(arguments: [
        "Received: x\r\n\r\n", "Received: x\r\n", "Received: x", "Received: x\r\nSubject: a\r\n\r\nbody\r\n\r\nmore",
        "Received: x\r\nthis is no field\r\nSubject: a\r\n\r\nbody",
        """
        Received: x\r\nFrom: Ann <ann@example.org>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r
        preamble\r\n--b\r\n\r\nfirst\r\n--b\r\nContent-Type: message/rfc822\r\n\r
        Subject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r
        --c\r\nContent-Type: text/html\r\n\r\n<p>\r\n--c--\r\n--b--\r\nepilogue\r\n
        """,
    ])
    func behind(message: String) {
        let summary = MessageSummary(parsing: Array(message.utf8))
        #expect(
            summary.behind(fields: Self.front.utf8.count) == MessageSummary(parsing: Array((Self.front + message).utf8))
        )
        #expect(summary.behind(fields: 0) == summary)
    }
}
