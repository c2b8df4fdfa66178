// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IMAPSyntax

/// RFC 5092, as far as RFC 4469 §3 uses it.
@Suite("Message URLs") struct MessageURLTests {
    /// What a URL names, in short: mailbox, UIDVALIDITY, UID, section, range.
    private func summary(_ url: String, selected: String? = nil) -> String? {
        guard let url = MessageURL(octets(url), selected: selected.flatMap { try? MailboxName($0) }) else { return nil }
        let section = written { $0.section(url.section) }
        let range = url.partial.map { " \($0.offset).\($0.count)" } ?? ""
        return "\(url.mailbox.text) \(url.uidValidity ?? 0) \(url.uid) \(section)\(range)"
    }

    @Test(
        "what is read",
        arguments: [
            ("/Drafts/;UID=3002", "Drafts 0 3002 []"),
            ("/Drafts;UIDVALIDITY=385759045/;UID=20", "Drafts 385759045 20 []"),
            ("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", "Drafts 385759045 20 [HEADER]"),
            ("/Drafts;uidvalidity=385759045/;uid=20/;Section=1.MIME", "Drafts 385759045 20 [1.MIME]"),
            ("/INBOX;UIDVALIDITY=785799047/;UID=113330/;section=1.5.9", "INBOX 785799047 113330 [1.5.9]"),
            ("/inbox/;UID=1/;SECTION=HEADER.FIELDS%20(%22Subject%22%20To)", "INBOX 0 1 [HEADER.FIELDS (Subject To)]"),
            ("/a/b%2fc%20d/;UID=1/;PARTIAL=10.5", "a/b/c d 0 1 [] 10.5"),
            ("/Gr%C3%BC%c3%9fe/;UID=1/;SECTION=TEXT/;PARTIAL=0", "Grüße 0 1 [TEXT] 0.9223372036854775807"),
            ("/a%3b%3F/;UID=1", "a;? 0 1 []"),
            ("/&AOk-/;UID=1", "&AOk- 0 1 []"),
        ]
    )
    func reads(_ url: String, _ value: String) {
        #expect(self.summary(url) == value)
        #expect(self.summary(url, selected: "Other/Mailbox") == value)
    }

    @Test(
        "relative to the selected mailbox (RFC 3986 §5.2)",
        arguments: [
            (";UID=7", "Archive/2025", "Archive/2025 0 7 []"), (";UID=7/;SECTION=1", "INBOX", "INBOX 0 7 [1]"),
            ("2024/;UID=7", "Archive/2025", "Archive/2024 0 7 []"), ("Sent/;UID=7", "INBOX", "Sent 0 7 []"),
            ("Sent/;UID=7", nil, "Sent 0 7 []"), (";UID=7", nil, nil), ("./Sent/;UID=7", "INBOX", nil),
            ("a/../Sent/;UID=7", "INBOX", nil), ("x:Sent/;UID=7", "INBOX", nil),
        ] as [(String, String?, String?)]
    )
    func relative(_ url: String, _ selected: String?, _ value: String?) {
        #expect(self.summary(url, selected: selected) == value)
    }

    @Test(
        "what names no message of this account",
        arguments: [
            "", "/", "//", "/INBOX", "/INBOX/", "/INBOX;UID=1", "/INBOX/;UID=", "/INBOX/;UID=0", "/INBOX/;UID=01",
            "/INBOX/;UID=4294967296", "/INBOX/;UID=1x", "/INBOX/;UID=1/", "/INBOX/;UID=*", "/INBOX/;UID=1:2",
            "/;UID=1", "//server/INBOX/;UID=1", "imap://server/INBOX/;UID=1", "imap://bob@server/INBOX/;UID=1",
            "imap:/INBOX/;UID=1", "/INBOX/;UIDVALIDITY=1/;UID=1", "/INBOX;UIDVALIDITY=0/;UID=1",
            "/INBOX;UIDVALIDITY=1;UID=1", ";UIDVALIDITY=1/;UID=1", "/INBOX/;UID=1;SECTION=1", "/INBOX/;UID=1/;SECTION=",
            "/INBOX/;UID=1/;SECTION=0", "/INBOX/;UID=1/;SECTION=1]", "/INBOX/;UID=1/;SECTION=MIME",
            "/INBOX/;UID=1/;PARTIAL=", "/INBOX/;UID=1/;PARTIAL=1.0", "/INBOX/;UID=1/;PARTIAL=1.2.3",
            "/INBOX/;UID=1/;PARTIAL=1/;SECTION=1", "/INBOX/;UID=1/;UID=2", "/INBOX/;UID=1;URLAUTH=anonymous:internal:0",
            "/INBOX/;UID=1;EXPIRE=2030-01-01T00:00:00Z", "/INBOX?SEEN", "/INBOX/;UID=1?x", "/INBOX/;UID=1#x",
            "/IN BOX/;UID=1", "/IN%BOX/;UID=1", "/IN%2/;UID=1", "/%FF/;UID=1", "/%00/;UID=1", "/a%0D%0Ab/;UID=1",
            "/ä/;UID=1", "/INBOX/;UID=1\r\n", "/a//b/;UID=1", "/INBOX/;;;;;;;;;;;;UID=1", "/INBOX/;SECTION=1/;UID=1",
        ]
    )
    func refuses(_ url: String) { #expect(self.summary(url, selected: "INBOX") == nil) }

    @Test("any octets, and many semicolons, are no trouble")
    func hostile() {
        var generator = SeededGenerator(seed: 5092)
        let alphabet = octets("/;=%.a0UIDSECTIONPARTIAL[]() \"")
        for _ in 0..<20_000 {
            let url = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            _ = MessageURL(url, selected: .inbox)
        }
        #expect(MessageURL(Array(repeating: UInt8(ascii: ";"), count: 4096), selected: .inbox) == nil)
        #expect(MessageURL(Array(repeating: UInt8(ascii: "%"), count: 4096), selected: .inbox) == nil)
    }
}
