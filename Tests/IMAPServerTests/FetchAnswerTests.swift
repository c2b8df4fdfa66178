// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §6.4.5 FETCH responses")
struct FetchAnswerTests {
    private func messages(_ count: Int, size: Int = 10) -> [[UInt8]] {
        Array(repeating: octets("A: b\n\n") + [UInt8](repeating: 0x78, count: size), count: count)
    }

    @Test("one response for each message, ascending, with the numbers the client knows")
    func order() async throws {
        let fixture = FetchFixture(self.messages(200))
        let lines = (1...200).map { "* \($0) FETCH (UID \($0 * 10) RFC822.SIZE 18)\r\n" }.joined()
        let (all, outcome) = try await fixture.fetch("(UID RFC822.SIZE)")
        #expect(all == lines)
        #expect(outcome.code == nil)
        let some = try await fixture.fetch("(UID RFC822.SIZE)", uids: [70, 1990]).text
        #expect(some == "* 7 FETCH (UID 70 RFC822.SIZE 18)\r\n* 199 FETCH (UID 1990 RFC822.SIZE 18)\r\n")
    }

    @Test("the items in the order asked for")
    func items() async throws {
        var fixture = FetchFixture(self.messages(1), flags: [.flagged, .seen], keywords: ["$Junk", "blue"])
        #expect(
            try await fixture.item("(INTERNALDATE FLAGS UID RFC822.SIZE)")
                == #"INTERNALDATE "17-Jul-1996 02:44:25 -0700" FLAGS (\Flagged \Seen $Junk blue) UID 10 RFC822.SIZE 18"#
        )
        #expect(try await fixture.item("FAST").hasPrefix(#"FLAGS (\Flagged \Seen $Junk blue) INTERNALDATE "#))
        fixture.recentFrom = UID(rawValue: 10)
        #expect(try await fixture.item("FLAGS") == #"FLAGS (\Flagged \Seen $Junk blue)"#)
        fixture.isRev2 = false
        #expect(try await fixture.item("FLAGS") == #"FLAGS (\Flagged \Seen $Junk blue \Recent)"#)
        fixture.recentFrom = UID(rawValue: 11)
        #expect(try await fixture.item("FLAGS") == #"FLAGS (\Flagged \Seen $Junk blue)"#)
    }

    @Test("flags alone never ask the store")
    func fromMemory() async throws {
        let fixture = FetchFixture(self.messages(3), flags: [])
        #expect(
            try await fixture.fetch("(FLAGS UID)").text
                == "* 1 FETCH (FLAGS () UID 10)\r\n* 2 FETCH (FLAGS () UID 20)\r\n* 3 FETCH (FLAGS () UID 30)\r\n"
        )
        #expect(fixture.store.log.contentLimits.isEmpty)
    }

    @Test(
        "what is kept about every message is told without reading its octets",
        arguments: [
            "ENVELOPE", "BODY", "BODYSTRUCTURE", "FAST", "ALL", "FULL", "SAVEDATE",
            "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
        ]
    )
    func withoutOctets(_ items: String) async throws {
        let fixture = FetchFixture(self.messages(200))
        #expect(try await fixture.fetch(items).text.split(separator: "\r\n").count == 200)
        #expect(fixture.store.log.contentLimits.allSatisfy { $0 == 0 })
        #expect(fixture.store.log.reads.isEmpty)
    }

    @Test("flags that many have are written as those that few have, in any order")
    func flagLists() async throws {
        let fixture = FetchFixture(self.messages(1200), flags: [], keywords: ["$Junk", "blue"])
        let mailbox = try #require(fixture.store.resident.current)
        var index = mailbox
        var expected = ""
        for (position, uid) in fixture.store.all.map(UID.init(rawValue:)).enumerated() {
            let number = MailboxPage.number(of: uid)
            var page = try #require(index.page(number))
            let flags = SystemFlags(rawValue: UInt8(position / 7 % 32))
            let keywords = UInt64(position % 4)
            page.set(uid, MailboxPage.Slot(flags: flags, keywords: keywords, modSeq: ModSeq(rawValue: 1)))
            index.replace(page)
            let names: [(Bool, String)] = [
                (flags.contains(.answered), #"\Answered"#), (flags.contains(.flagged), #"\Flagged"#),
                (flags.contains(.deleted), #"\Deleted"#), (flags.contains(.seen), #"\Seen"#),
                (flags.contains(.draft), #"\Draft"#), (keywords & 1 != 0, "$Junk"), (keywords & 2 != 0, "blue"),
            ]
            let list = names.filter(\.0).map(\.1).joined(separator: " ")
            expected += "* \(position + 1) FETCH (FLAGS (\(list)))\r\n"
        }
        fixture.store.resident.publish(index)
        #expect(try await fixture.fetch("FLAGS").text == expected)
    }

    // MARK: \Seen

    @Test(
        "which items set \\Seen",
        arguments: [
            ("BODY[]", true), ("BODY[TEXT]<0.1>", true), ("RFC822", true), ("RFC822.TEXT", true), ("BINARY[1]", true),
            ("BODY.PEEK[]", false), ("RFC822.HEADER", false), ("BINARY.PEEK[1]", false), ("BINARY.SIZE[1]", false),
            ("BODY", false), ("ENVELOPE", false), ("FLAGS", false),
        ] as [(String, Bool)]
    )
    func setsSeen(_ item: String, _ expected: Bool) throws {
        var parser = CommandParser(octets(" 1 " + item))
        let command = try FetchCommand(&parser, addressing: .sequenceNumbers)
        #expect(command.items.contains { $0.needs.contains(.seen) } == expected)
    }

    @Test("a message that becomes \\Seen says so, one that was does not, and the session need not tell it again")
    func seen() async throws {
        let fixture = FetchFixture(self.messages(2, size: 1), flags: [.flagged])
        let first = try await fixture.fetch("BODY[TEXT]", uids: [20], setsSeen: true)
        #expect(first.text == "* 2 FETCH (FLAGS (\\Flagged \\Seen) BODY[TEXT] {1}\r\nx)\r\n")
        guard case .stored(let change) = first.outcome.effect, change.isTold else {
            Issue.record("not stored")
            return
        }
        #expect(change.uids == [UID(rawValue: 20)])
        #expect(change.modSeq == fixture.store.resident.current?.highestModSeq)

        let second = try await fixture.fetch("(FLAGS BODY[TEXT])", setsSeen: true)
        #expect(
            second.text == "* 1 FETCH (FLAGS (\\Flagged \\Seen) BODY[TEXT] {1}\r\nx)\r\n"
                + "* 2 FETCH (FLAGS (\\Flagged \\Seen) BODY[TEXT] {1}\r\nx)\r\n"
        )
        let third = try await fixture.fetch("BODY[TEXT]", setsSeen: true)
        #expect(third.text == "* 1 FETCH (BODY[TEXT] {1}\r\nx)\r\n* 2 FETCH (BODY[TEXT] {1}\r\nx)\r\n")
        guard case .none = third.outcome.effect else {
            Issue.record("stored what was so already")
            return
        }
        #expect(fixture.store.log.changes == [[UID(rawValue: 20)], [UID(rawValue: 10)]])
    }

    @Test("in a mailbox that is read-only nothing is set")
    func readOnly() async throws {
        let fixture = FetchFixture(self.messages(1, size: 1), flags: [])
        #expect(try await fixture.fetch("BODY[TEXT]").text == "* 1 FETCH (BODY[TEXT] {1}\r\nx)\r\n")
        #expect(fixture.store.log.changes.isEmpty)
    }

    // MARK: Gone

    @Test(
        "messages that are gone are passed over, and EXPUNGEISSUED tells of it",
        arguments: ["UID", "(UID RFC822.SIZE)"]
    )
    func gone(_ items: String) async throws {
        let fixture = FetchFixture(self.messages(3))
        fixture.store.expungeElsewhere(20)
        let (text, outcome) = try await fixture.fetch(items)
        #expect(text.hasPrefix("* 1 FETCH (UID 10"))
        // Its number is still the one the client knows.
        #expect(text.contains("* 3 FETCH (UID 30"))
        #expect(!text.contains("* 2 "))
        #expect(outcome.code == .expungeIssued)
    }

    @Test("a message erased before its response began is passed over")
    func erasedBefore() async throws {
        let fixture = FetchFixture(self.messages(1, size: 500_000))
        fixture.store.eraseMessages(beforeRead: 0)
        let (text, outcome) = try await fixture.fetch("BODY.PEEK[]")
        #expect(text.isEmpty)
        #expect(outcome.code == .expungeIssued)
    }

    @Test("a message erased within its literal breaks the connection, for nothing could mend it")
    func erasedWithin() async throws {
        let fixture = FetchFixture(self.messages(1, size: 500_000))
        fixture.store.eraseMessages(beforeRead: 2)
        await #expect(throws: BrokenResponse.self) { try await fixture.fetch("BODY.PEEK[]") }
    }

    @Test("a mailbox that has been deleted")
    func deleted() async throws {
        let fixture = FetchFixture(self.messages(1))
        fixture.store.resident.publish(nil)
        for items in ["FLAGS", "ENVELOPE"] {
            let error = await #expect(throws: Refusal.self) { try await fixture.fetch(items) }
            #expect(error?.code == .nonexistent)
        }
    }

    // MARK: Memory

    @Test("a message of any size goes by in pieces")
    func large() async throws {
        let message = octets("A: b\n\n") + (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 % 251 + 1) }
        let fixture = FetchFixture([message])
        let (pieces, _) = try await fixture.pieces("(RFC822.SIZE BODY.PEEK[])")
        #expect(pieces.allSatisfy { $0.count <= MessageOctets.pieceSize + CommandOutput.pieceSize })
        let start = Array("* 1 FETCH (RFC822.SIZE \(message.count) BODY[] {\(message.count)}\r\n".utf8)
        #expect(Array(pieces.joined()) == start + message + Array(")\r\n".utf8))
        #expect(fixture.store.log.reads.allSatisfy { $0.count <= MessageOctets.pieceSize })
    }

    @Test("a batch has bounded content, whatever the messages are", arguments: [0, 1, 300, 5_000, 40_000, 1_000_000])
    func batches(_ size: Int) {
        var batch = FetchBatch(needs: [.row, .content])
        let uids = (1...500).map { UID(rawValue: $0) }
        var asked: [UID] = []
        while let next = batch.next(of: uids) {
            #expect(next.count * batch.parts.contentUpTo <= 128 * 1024)
            #expect((1...64).contains(next.count))
            asked += next
            batch.note(
                next.map { uid in
                    StoredMessage(
                        uid: uid,
                        blob: BlobID(rawValue: 1),
                        size: size,
                        internalDate: MessageDate(time: UnixTime(0)),
                        saveDate: UnixTime(0)
                    )
                }
            )
        }
        #expect(asked == uids)
        // Messages like these come along with their rows, if they are small enough at all.
        #expect(batch.parts.contentUpTo >= min(size, 64 * 1024) || size > 64 * 1024)
    }

    @Test("flag lists are not remembered beyond the names of their keywords")
    func namesOfKeywords() async throws {
        let fixture = FetchFixture(self.messages(1), flags: [], keywords: ["one"])
        var index = try #require(fixture.store.told)
        let slot = try #require(index[UID(rawValue: 10)])
        var lists = FlagLists()
        #expect(text(lists.list(of: slot, in: index, isRecent: false)) == "(one)")
        index.keywords = ["other"]
        #expect(text(lists.list(of: slot, in: index, isRecent: false)) == "(other)")
    }
}
