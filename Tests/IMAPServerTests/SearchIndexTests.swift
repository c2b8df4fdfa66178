// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailMessage
import MailStorage
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// A search that asks the index finds what one finds that looks at every message.
@Suite("RFC 9051 §6.4.4 SEARCH with an index", .timeLimit(.minutes(20))) struct SearchIndexTests {
    /// A mailbox in a store that can be closed and opened again.
    private final class Mail {
        let folder: TemporaryFolder
        let time = Mutex<Int64>(1_700_000_000)
        let view: SessionView
        private(set) var store: SQLiteStore
        private var account: Account

        init() async throws {
            self.folder = try TemporaryFolder()
            let fixture = try await Fixture(clock: TestClock())
            self.view = SessionView(service: fixture.service, peer: Peer(address: "127.0.0.1"))
            self.store = try SQLiteStore(path: self.folder.file("mail.db"))
            try await self.store.addDomain("example.org")
            self.account = try await self.store.addAccount("ann@example.org", verifier: "v")
            try await self.reopen()
        }

        var mail: any MailStore { self.store.mailStore(of: self.account.id) }

        func reopen() async throws {
            try await self.store.close()
            var options = StoreOptions()
            let now = self.time.withLock { $0 }
            options.now = { UnixTime(rawValue: now) }
            self.store = try SQLiteStore(path: self.folder.file("mail.db"), options: options)
        }

        func inbox() async throws -> MailboxID { try #require(try await self.mail.mailbox(named: "INBOX")).id }

        func append(_ octets: [UInt8], flags: SystemFlags = []) async throws {
            var stage = self.mail.stage(limit: octets.count)
            try await stage.append(octets[...])
            let date = MessageDate(time: UnixTime(rawValue: 1_767_225_600), zoneOffsetMinutes: 0)
            _ = try await self.mail.append(
                [NewMessage(try await stage.finish(), flags: FlagSet(system: flags), internalDate: date)],
                to: try await self.inbox()
            )
        }

        func append(_ count: Int, of corpus: inout SearchCorpus) async throws {
            for _ in 0..<count {
                try await self.append(corpus.message(), flags: corpus.below(2) == 0 ? .seen : [])
            }
        }

        /// What a search finds, with the help of the index or without.
        func found(_ keys: String, asksIndex: Bool = true) async throws -> [UInt32] {
            let resident = try await self.mail.open(try await self.inbox())
            let index = try #require(resident.current)
            let selected = SelectedMailbox(
                resident: resident,
                index: index,
                name: "INBOX",
                isReadOnly: false,
                recentFrom: UID(rawValue: 1)
            )
            var parser = CommandParser(Array(keys.utf8))
            var texts: [TextKey] = []
            var view = self.view
            view.selected = selected
            let program = try SearchProgram(&parser).bound(to: view, texts: &texts)
            var run = SearchRun(program: program, texts: texts, store: self.mail)
            run.narrowsFrom = asksIndex ? 1 : .max
            return try await run.found(in: selected).map(\.rawValue)
        }

        /// Compares searches with and without the index; returns how many messages they found.
        @discardableResult
        func compare(_ count: Int, of corpus: inout SearchCorpus, _ when: Comment) async throws -> Int {
            var total = 0
            for _ in 0..<count {
                let keys = corpus.keys()
                let scanned = try await self.found(keys, asksIndex: false)
                #expect(try await self.found(keys) == scanned, "\(when): \(keys)")
                total += scanned.count
            }
            return total
        }

        func expunge(_ uids: [UInt32]) async throws {
            let (inbox, uids) = (try await self.inbox(), uids.map(UID.init(rawValue:)))
            _ = try await self.mail.changeFlags(
                of: uids,
                in: inbox,
                FlagChange(.add, FlagSet(system: .deleted)),
                unchangedSince: nil
            )
            _ = try await self.mail.expunge(uids, in: inbox)
        }
    }

    @Test("The same messages, whatever has happened to mail and index", arguments: [1, 2])
    func same(seed: UInt64) async throws {
        let mail = try await Mail()
        var corpus = SearchCorpus(seed: seed)
        try await mail.append(40, of: &corpus)
        try await mail.compare(20, of: &corpus, "nothing is indexed")
        try await mail.store.index()
        #expect(try await mail.compare(150, of: &corpus, "all is indexed") > 300)
        try await mail.append(10, of: &corpus)
        try await mail.compare(50, of: &corpus, "some is not indexed yet")
        try await mail.append(corpus.message(padding: 1_200_000))
        try await mail.store.index()
        try await mail.compare(8, of: &corpus, "one is too long")
        try await mail.expunge([51])
        try await mail.compare(50, of: &corpus, "all is indexed again")
        try await mail.expunge([2, 3, 5, 7, 11, 13])
        try await mail.compare(30, of: &corpus, "some are expunged")
        mail.time.withLock { $0 += 10_000 }
        try await mail.reopen()
        try await mail.append(5, of: &corpus)
        try await mail.compare(30, of: &corpus, "started again")
        try await mail.store.maintain()
        try await mail.compare(30, of: &corpus, "some are erased")
        #expect(try await mail.store.verify { _, _ in } == [])
        try await mail.store.resetIndex()
        try await mail.compare(20, of: &corpus, "the index was thrown away")
        try await mail.store.index()
        try await mail.compare(30, of: &corpus, "the index was made anew")
        #expect(try await mail.store.verify { _, _ in } == [])
        try await mail.store.close()
    }

    @Test(
        "Text is found wherever a person reads it",
        arguments: [
            ("TEXT \"straße\"", [1]), ("BODY STRASSE", []), ("BODY \"GRÜßE AUS\"", [1]), ("TEXT \"müller\"", [1]),
            ("TEXT \"rechnung-märz\"", [2]), ("TEXT \"für die akten\"", [2]), ("BODY \"会議\"", [2]), ("BODY \"会\"", [2]),
            ("TEXT ab", [1, 2]), ("SUBJECT \"ПРИВЕТ\"", [2]), ("FROM \"müller <hans\"", [1]), ("TO müller", []),
            ("HEADER X-Other \"\"", [1]), ("HEADER x-other \"b c\"", [1]), ("BODY müller", []),
            ("NOT TEXT rechnung", [1, 3]), ("TEXT \"grüße aus\" TEXT straße", [1]), ("BODY \"after\"", [3]),
            ("TEXT \"ma\u{308}rz\"", [2]), ("FROM muller", []),
            ("TEXT application/pdf", [2]), ("BODY application/pdf", []),
        ] as [(String, [UInt32])]
    )
    func places(keys: String, expected: [UInt32]) async throws {
        let mail = try await Mail()
        try await mail.append(
            octets(
                """
                From: =?iso-8859-1?Q?M=FCller?= <Hans@example.org>
                X-Other: ab cd
                X-Other: =?utf-8?q?ab?=
                 c
                Content-Type: text/plain; charset=iso-8859-1
                Content-Transfer-Encoding: quoted-printable

                Gr=FC=DFe a=
                us der Stra=DFe, ab
                """
            )
        )
        try await mail.append(
            octets(
                """
                Subject: =?koi8-r?B?8NLJ18XU?=
                Content-Type: multipart/mixed; boundary=x

                --x
                Content-Type: text/html; charset=utf-8
                Content-Transfer-Encoding: base64

                5Lya6K2wIGFi
                --x
                Content-Type: application/pdf
                Content-Description: =?utf-8?q?F=C3=BCr_die?= =?utf-8?q?_Akten?=
                Content-Disposition: attachment; filename*=utf-8''Rechnung-M%C3%A4rz.pdf

                %PDF
                --x--
                """
            )
        )
        try await mail.append(octets("Content-Type: text/plain\n\nbefore\u{0}after\n"))
        #expect(try await mail.found(keys, asksIndex: false) == expected)
        #expect(try await mail.found(keys) == expected)
        try await mail.store.index()
        #expect(try await mail.found(keys) == expected)
        try await mail.store.close()
    }

    @Test("What the index excludes is not read")
    func narrows() async throws {
        let mail = try await Mail()
        for number in 0..<40 { try await mail.append(octets("Subject: \(number)\n\nmessage number-\(number).\n")) }
        try await mail.store.index()
        let inbox = try await mail.inbox()
        let term = TextTerm(.body, SearchText.folded("NUMBER-7."))
        let candidates = try #require(try await mail.mail.candidates(for: term, in: inbox))
        #expect(candidates == TextCandidates([8]))
        // One that comes later is a candidate until it is indexed.
        try await mail.append(octets("Subject: x\n\nnothing\n"))
        #expect(try await mail.mail.candidates(for: term, in: inbox) == TextCandidates([8, 41]))
        try await mail.store.index()
        #expect(try await mail.mail.candidates(for: term, in: inbox) == TextCandidates([8]))
        // Two characters say too little, but for scripts that write a word with them.
        #expect(try await mail.mail.candidates(for: TextTerm(.body, Array("nu".utf8)), in: inbox) == nil)
        #expect(
            try await mail.mail.candidates(for: TextTerm(.text, Array("会議".utf8)), in: inbox) == TextCandidates([])
        )
        try await mail.store.close()
    }
}
