// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §7.3, §7.4, §7.5 what is told of a mailbox")
struct ResponseWriterMailboxTests {
    /// What is written, piece by piece.
    private func pieces(
        _ news: SelectedMailbox.News,
        isRev2: Bool,
        isReadOnly: Bool = false
    ) async throws -> [[UInt8]] {
        var fixture = FetchFixture([octets("a"), octets("b")], flags: [], keywords: ["$Junk"])
        fixture.isReadOnly = isReadOnly
        fixture.recentFrom = UID(rawValue: 20)
        let mailbox = try fixture.selected()
        var index = try #require(fixture.store.told)
        var page = try #require(index.page(0))
        for (uid, flags, keywords) in [(10, [.seen, .deleted], 1), (20, [], 0)] as [(UInt32, SystemFlags, UInt64)] {
            page.set(
                UID(rawValue: uid),
                MailboxPage.Slot(flags: flags, keywords: keywords, modSeq: ModSeq(rawValue: 1))
            )
        }
        index.replace(page)
        var writer = ResponseWriter()
        var pieces: [[UInt8]] = []
        try await writer.write(news, of: mailbox, index: index, isRev2: isRev2) { pieces.append($0) }
        return pieces + [writer.take()]
    }

    private func told(_ news: SelectedMailbox.News, isRev2: Bool, isReadOnly: Bool = false) async throws -> String {
        text(try await self.pieces(news, isRev2: isRev2, isReadOnly: isReadOnly).flatMap { $0 })
    }

    private static let news = SelectedMailbox.News(
        expunged: [9, 3],
        exists: 2,
        hasNewKeywords: true,
        flags: [
            SelectedMailbox.News.Flags(number: 1, uid: UID(rawValue: 10)),
            SelectedMailbox.News.Flags(number: 2, uid: UID(rawValue: 20)),
        ]
    )

    @Test("nothing new is nothing")
    func nothing() async throws { #expect(try await self.told(SelectedMailbox.News(), isRev2: false) == "") }

    @Test("IMAP4rev1 hears of \\Recent")
    func rev1() async throws {
        #expect(
            try await self.told(Self.news, isRev2: false) == """
                * 9 EXPUNGE\r
                * 3 EXPUNGE\r
                * 2 EXISTS\r
                * 1 RECENT\r
                * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\r
                * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk \\*)] Flags that are kept\r
                * 1 FETCH (UID 10 FLAGS (\\Deleted \\Seen $Junk))\r
                * 2 FETCH (UID 20 FLAGS (\\Recent))\r

                """
        )
    }

    @Test("IMAP4rev2 does not")
    func rev2() async throws {
        let told = try await self.told(Self.news, isRev2: true)
        #expect(!told.contains("RECENT"))
        #expect(told.hasSuffix("* 2 FETCH (UID 20 FLAGS ())\r\n"))
    }

    @Test("in a mailbox that is read-only no flag is permanent")
    func readOnly() async throws {
        let told = try await self.told(SelectedMailbox.News(hasNewKeywords: true), isRev2: true, isReadOnly: true)
        #expect(
            told == "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\r\n"
                + "* OK [PERMANENTFLAGS ()] No flags can be changed\r\n"
        )
    }

    @Test("However much there is to tell, no piece is much larger than a piece, and each ends with a line")
    func manyPieces() async throws {
        let flags = Array(repeating: SelectedMailbox.News.Flags(number: 1, uid: UID(rawValue: 10)), count: 10_000)
        var news = SelectedMailbox.News(expunged: Array((1...10_000).reversed()), exists: 2, flags: flags)
        news.hasOtherRights = true
        let pieces = try await self.pieces(news, isRev2: true)
        #expect(pieces.count > 5)
        #expect(pieces.allSatisfy { $0.count < CommandOutput.pieceSize + 16384 && ($0.last ?? 10) == 10 })
        let lines = text(pieces.flatMap { $0 }).split(separator: "\r\n")
        #expect(lines.count == 20_003, "EXISTS, FLAGS and PERMANENTFLAGS besides")
        #expect(
            lines[9_999...10_000] == ["* 1 EXPUNGE", "* 2 EXISTS"]
                && lines[10_003] == "* 1 FETCH (UID 10 FLAGS (\\Deleted \\Seen $Junk))"
        )
    }

    @Test("without room for keywords none is invited")
    func full() {
        let keywords = (1...MailboxIndex.keywordLimit).map { "k\($0)" }
        let fixture = FetchFixture([octets("full")], keywords: keywords)
        var writer = ResponseWriter()
        if let index = fixture.store.told { writer.write(flagsOf: index, changeableWith: .all) }
        let told = text(writer.take())
        #expect(told.contains("k64)] "))
        #expect(!told.contains("\\*"))
    }
}
