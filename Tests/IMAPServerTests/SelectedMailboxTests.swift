// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

/// What a client is told, when, and in which order (RFC 9051 §7.4, §7.5.1; rules U1 to U5).
@Suite("RFC 9051 §5.2 Mailbox Size and Message Status Updates") struct SelectedMailboxTests {
    /// A mailbox that changes, without a store.
    struct Model {
        private(set) var index = MailboxIndex(
            mailbox: MailboxID(rawValue: 1),
            uidValidity: UIDValidity(rawValue: 7),
            uidNext: UID(rawValue: 1),
            recentFrom: UID(rawValue: 1),
            highestModSeq: ModSeq(rawValue: 1),
            keywords: [],
            pages: []
        )

        private mutating func nextModSeq() -> ModSeq {
            self.index.highestModSeq = ModSeq(rawValue: self.index.highestModSeq.rawValue + 1)
            return self.index.highestModSeq
        }

        private mutating func change(_ uid: UID, _ body: (inout MailboxPage, ModSeq) -> Void) {
            let modSeq = self.nextModSeq()
            let number = MailboxPage.number(of: uid)
            var page = self.index.page(number) ?? MailboxPage(number: number, highestModSeq: modSeq)
            body(&page, modSeq)
            self.index.replace(page)
        }

        mutating func append(_ count: Int = 1) {
            for _ in 0..<count {
                let uid = self.index.uidNext
                self.change(uid) { page, modSeq in
                    page.set(uid, MailboxPage.Slot(flags: [], keywords: 0, modSeq: modSeq))
                }
                self.index.uidNext = UID(rawValue: uid.rawValue + 1)
            }
        }

        mutating func setFlags(_ uid: UInt32, _ flags: SystemFlags) {
            let uid = UID(rawValue: uid)
            self.change(uid) { page, modSeq in
                page.set(uid, MailboxPage.Slot(flags: flags, keywords: 0, modSeq: modSeq))
            }
        }

        mutating func setKeyword(_ uid: UInt32, bit: UInt64, named names: [String]) {
            let uid = UID(rawValue: uid)
            self.index.keywords = names
            self.change(uid) { page, modSeq in
                page.set(uid, MailboxPage.Slot(flags: [], keywords: 1 << bit, modSeq: modSeq))
            }
        }

        mutating func expunge(_ uid: UInt32) {
            let uid = UID(rawValue: uid)
            self.change(uid) { page, modSeq in page.remove(uid, at: modSeq) }
        }
    }

    private func selected(_ model: Model) -> SelectedMailbox {
        SelectedMailbox(
            resident: ResidentMailbox(model.index),
            index: model.index,
            name: "INBOX",
            isReadOnly: false,
            recentFrom: UID(rawValue: 1)
        )
    }

    @Test("RFC 5465 §5: flags that are not wanted are told when they are") func unwantedFlags() {
        var model = Model()
        model.append(3)
        var mailbox = self.selected(model)
        let start = mailbox.knownUntil
        model.setFlags(2, .seen)
        model.append()
        var news = mailbox.sync(with: model.index, mayExpunge: true, wanted: .messages)
        #expect(news.flags.isEmpty && news.exists == 4)
        #expect(mailbox.knownUntil == start && mailbox.isBehind)
        #expect(!mailbox.hasNews(model.index, mayExpunge: true, wanted: .messages))
        #expect(mailbox.hasNews(model.index, mayExpunge: true, wanted: .all))
        model.expunge(1)
        news = mailbox.sync(with: model.index, mayExpunge: true, wanted: .messages)
        #expect(news.flags.isEmpty && news.expunged == [1])
        news = mailbox.sync(with: model.index, mayExpunge: true)
        #expect(news.flags.contains { $0.uid == UID(rawValue: 2) } && news.expunged.isEmpty)
        #expect(mailbox.knownUntil == model.index.highestModSeq && !mailbox.isBehind)
    }

    @Test("RFC 5465 §5: where flags are not wanted and none have changed, everything is known") func newMessagesOnly() {
        var model = Model()
        model.append(3)
        var mailbox = self.selected(model)
        model.append()
        model.expunge(2)
        let news = mailbox.sync(with: model.index, mayExpunge: true, wanted: .messages)
        #expect(news.exists == 3 && news.expunged == [2])
        #expect(mailbox.knownUntil == model.index.highestModSeq && !mailbox.isBehind)
        #expect(mailbox.sync(with: model.index, mayExpunge: true).isEmpty)
    }

    @Test("RFC 5465 §5: nothing is wanted but what the client does itself") func snapshot() {
        var model = Model()
        model.append(4)
        var mailbox = self.selected(model)
        model.expunge(1)
        model.append()
        model.setFlags(3, .flagged)
        #expect(mailbox.sync(with: model.index, mayExpunge: true, wanted: []).isEmpty)
        #expect(!mailbox.hasNews(model.index, mayExpunge: true, wanted: []))
        model.expunge(2)
        var news = mailbox.sync(with: model.index, mayExpunge: true, wanted: [], removed: [UID(rawValue: 2)])
        #expect(news.expunged == [2] && news.vanished == [2] && news.exists == nil)
        model.setFlags(4, .seen)
        let own = SelectedMailbox.OwnChange(
            uids: [UID(rawValue: 4)],
            modSeq: model.index.highestModSeq,
            isTold: false
        )
        news = mailbox.sync(with: model.index, mayExpunge: true, wanted: [], own: own)
        #expect(news.flags.map(\.uid.rawValue) == [4] && news.expunged.isEmpty)
        // Numbers are those of the client: 1, 3 and 4 as it knows them.
        #expect(mailbox.uids == [1, 3, 4])
        news = mailbox.sync(with: model.index, mayExpunge: true)
        #expect(news.expunged == [1] && news.exists == 3)
        #expect(news.flags.contains { $0.uid == UID(rawValue: 3) })
        #expect(mailbox.uids == model.index.uids() && !mailbox.isBehind)
    }

    @Test("Nothing changed, nothing told") func nothing() {
        var model = Model()
        model.append(3)
        var selected = self.selected(model)
        #expect(selected.sync(with: model.index, mayExpunge: true).isEmpty)
    }

    @Test("EXPUNGEs go down, EXISTS counts what is left and new") func order() {
        var model = Model()
        model.append(5)
        var selected = self.selected(model)
        model.expunge(2)
        model.append()
        model.expunge(4)
        let news = selected.sync(with: model.index, mayExpunge: true)
        #expect(news.expunged == [4, 2])
        #expect(news.exists == 4)
        #expect(selected.uids == [1, 3, 5, 6])
    }

    @Test("U1: an EXPUNGE that may not be told is held, and everything else is told") func held() {
        var model = Model()
        model.append(3)
        var selected = self.selected(model)
        model.expunge(1)
        model.append()
        model.setFlags(3, .seen)
        let news = selected.sync(with: model.index, mayExpunge: false)
        #expect(news.expunged.isEmpty)
        #expect(news.exists == 4, "U2: the held message counts")
        #expect(news.flags.map(\.number) == [3])
        #expect(selected.number(of: UID(rawValue: 3)) == 3)
        #expect(selected.sync(with: model.index, mayExpunge: false).isEmpty)
        #expect(selected.sync(with: model.index, mayExpunge: true).expunged == [1])
        #expect(selected.number(of: UID(rawValue: 3)) == 2)
    }

    @Test("U4: what came and went between two syncs was never there") func comeAndGone() {
        var model = Model()
        model.append(1)
        var selected = self.selected(model)
        model.append(2)
        model.expunge(2)
        model.expunge(3)
        #expect(selected.sync(with: model.index, mayExpunge: true).isEmpty)
        model.append()
        #expect(selected.sync(with: model.index, mayExpunge: true).exists == 2)
        #expect(selected.uids == [1, 4])
    }

    @Test("A silent STORE is not told its own change, but another's") func silent() {
        var model = Model()
        model.append(2)
        var selected = self.selected(model)
        model.setFlags(1, .seen)
        let own = SelectedMailbox.OwnChange(
            uids: [UID(rawValue: 1), UID(rawValue: 2)],
            modSeq: model.index.highestModSeq,
            isTold: true
        )
        model.setFlags(2, .flagged)
        let news = selected.sync(with: model.index, mayExpunge: false, own: own)
        #expect(news.flags.map(\.number) == [2])
    }

    @Test("U3: what a silent STORE changes is not told by another command's completion, but another's change is, later")
    func silenced() {
        var model = Model()
        model.append(3)
        var selected = self.selected(model)
        let silenced = NumberSet([1...2])
        model.setFlags(1, .seen)
        model.setFlags(2, .seen)
        let modSeq = model.index.highestModSeq
        model.setFlags(3, .seen)
        #expect(selected.sync(with: model.index, mayExpunge: true, silenced: silenced).flags.map(\.number) == [3])
        #expect(selected.sync(with: model.index, mayExpunge: true, silenced: silenced).isEmpty)
        let own = SelectedMailbox.OwnChange(
            uids: [UID(rawValue: 1), UID(rawValue: 2)],
            modSeq: modSeq,
            isTold: true
        )
        // The model counts each message's change: the first one is somebody else's.
        #expect(selected.sync(with: model.index, mayExpunge: true, own: own).flags.map(\.number) == [1])
        #expect(selected.sync(with: model.index, mayExpunge: true).isEmpty)
    }

    @Test("Flags that changed while a FETCH of them ran are told behind it, though another's completion has told them")
    func answered() {
        var model = Model()
        model.append(3)
        var selected = self.selected(model)
        let began = selected.told
        model.setFlags(1, .seen)
        model.setFlags(2, .seen)
        #expect(selected.sync(with: model.index, mayExpunge: false).flags.map(\.number) == [1, 2])
        let answered = SelectedMailbox.Answered(uids: NumberSet([2...3]), since: began)
        #expect(selected.sync(with: model.index, mayExpunge: false, answered: answered).flags.map(\.number) == [2])
        #expect(selected.sync(with: model.index, mayExpunge: false).isEmpty)
    }

    @Test("A STORE that is not silent is answered for messages it did not change too") func unchanged() {
        var model = Model()
        model.append(2)
        var selected = self.selected(model)
        let own = SelectedMailbox.OwnChange(uids: [UID(rawValue: 2)], modSeq: model.index.highestModSeq, isTold: false)
        #expect(selected.sync(with: model.index, mayExpunge: false, own: own).flags.map(\.number) == [2])
    }

    /// RFC 7162 §3.2: "if the server sends MODSEQ FETCH data items while EXPUNGE (or VANISHED) replies with lower
    /// mod-sequences being delayed, the server MUST send the HIGHESTMODSEQ response code with a lower value".
    @Test("While EXPUNGEs are held, what is known ends before the first of them") func knownUntil() {
        var model = Model()
        model.append(4)
        var selected = self.selected(model)
        let start = model.index.highestModSeq
        #expect(selected.knownUntil == start)
        model.setFlags(1, .seen)
        let seen = model.index.highestModSeq
        _ = selected.sync(with: model.index, mayExpunge: false)
        #expect(selected.knownUntil == seen)
        model.expunge(2)
        model.setFlags(3, .seen)
        _ = selected.sync(with: model.index, mayExpunge: false)
        #expect(selected.knownUntil == seen)
        model.expunge(4)
        model.setFlags(3, .flagged)
        _ = selected.sync(with: model.index, mayExpunge: false)
        #expect(selected.knownUntil == seen)
        let news = selected.sync(with: model.index, mayExpunge: true)
        #expect(news.vanished == [2, 4])
        #expect(news.expunged == [4, 2])
        #expect(selected.knownUntil == model.index.highestModSeq)
    }

    @Test("RFC 7162 §3.2.4: of its own silent change a client hears the mod-sequence") func ownModSeqs() {
        var model = Model()
        model.append(4)
        func news(_ modSeqs: SelectedMailbox.OwnChange.ModSeqs, refused: [UID] = []) -> [String] {
            var changed = model
            changed.setFlags(1, .seen)
            let own = SelectedMailbox.OwnChange(
                uids: [UID(rawValue: 1), UID(rawValue: 2)],
                modSeq: changed.index.highestModSeq,
                isTold: true,
                modSeqs: modSeqs,
                refused: refused
            )
            changed.setFlags(3, .flagged)
            var selected = self.selected(model)
            return selected.sync(with: changed.index, mayExpunge: false, own: own).flags.map { flags in
                "\(flags.number)\(flags.isModSeqOnly ? " silent" : "")"
            }
        }
        #expect(news(.none) == ["3"])
        #expect(news(.changed) == ["1 silent", "3"])
        #expect(news(.all) == ["1 silent", "2 silent", "3"])
        #expect(news(.all, refused: [UID(rawValue: 4)]) == ["1 silent", "2 silent", "3", "4"])
    }

    @Test("U8: a deleted mailbox loses all its messages when that may be told") func deleted() {
        var model = Model()
        model.append(3)
        var selected = self.selected(model)
        #expect(selected.sync(with: nil, mayExpunge: false).isEmpty)
        #expect(selected.sync(with: nil, mayExpunge: true).expunged == [3, 2, 1])
        #expect(selected.sync(with: nil, mayExpunge: true).isEmpty)
    }

    /// A client that replays every response knows at any moment what a fresh SELECT would tell it.
    @Test("Replaying what is told gives the mailbox", arguments: 1...20) func replay(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var model = Model()
        model.append(Int.random(in: 0...600, using: &random))
        var selected = self.selected(model)
        var client: [(uid: UInt32, flags: SystemFlags)] = model.index.uids().map { ($0, []) }
        func sync(mayExpunge: Bool) {
            let news = selected.sync(with: model.index, mayExpunge: mayExpunge)
            #expect(mayExpunge || news.expunged.isEmpty)
            for number in news.expunged { client.remove(at: number - 1) }
            if let exists = news.exists {
                #expect(exists > client.count)
                // The client fetches what is new; what has gone already it does not get.
                for uid in selected.uids[client.count..<exists] {
                    client.append((uid, model.index[UID(rawValue: uid)]?.flags ?? []))
                }
            }
            for flags in news.flags {
                let position = Int(flags.number) - 1
                #expect(client[position].uid == flags.uid.rawValue)
                client[position].flags = model.index[flags.uid]?.flags ?? []
            }
        }
        for _ in 0..<400 {
            let uids = model.index.uids()
            switch Int.random(in: 0..<10, using: &random) {
            case 0...2: model.append(Int.random(in: 1...5, using: &random))
            case 3...5: if let uid = uids.randomElement(using: &random) { model.expunge(uid) }
            case 6...7:
                if let uid = uids.randomElement(using: &random) {
                    model.setFlags(uid, SystemFlags(rawValue: UInt8.random(in: 0...31, using: &random)))
                }
            default: break
            }
            if Bool.random(using: &random) { sync(mayExpunge: Bool.random(using: &random)) }
        }
        sync(mayExpunge: true)
        #expect(client.map(\.uid) == model.index.uids())
        for message in client { #expect(message.flags == model.index[UID(rawValue: message.uid)]?.flags) }
        #expect(selected.uids == model.index.uids())
    }

    /// Clients drop keywords that FLAGS did not name (RFC 9051 §7.3.5).
    @Test func keywordsAreNamedBeforeTheyAreUsed() {
        var model = Model()
        model.append(2)
        var selected = self.selected(model)
        model.setKeyword(1, bit: 0, named: ["one"])
        #expect(selected.sync(with: model.index, mayExpunge: true).hasNewKeywords)
        model.setFlags(1, .seen)
        #expect(!selected.sync(with: model.index, mayExpunge: true).hasNewKeywords)
        model.setKeyword(2, bit: 0, named: ["other"])
        #expect(selected.sync(with: model.index, mayExpunge: true).hasNewKeywords, "the bit has another name")
    }
}
