// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailStorage

/// Telling what has changed in the selected mailbox.
extension IMAPSession {
    /// Tells what changed in the selected mailbox since the client was last told, as far as it may be told now, and then
    /// says what stands behind it.
    ///
    /// To be called by whoever owns the output. Returns news that is too long to be written without waiting for the
    /// client: ``tell(_:)`` then does the rest. That is another function, for what suspends has all of its variables on
    /// the task's stack, and an idle session keeps what that stack has ever needed.
    ///
    /// `kinds`: what to tell, if not what the client listens to; `isUnasked`: no command is being completed.
    mutating func tellChanges(
        mayExpunge: Bool,
        isUnasked: Bool = false,
        kinds: SelectedMailbox.Kinds? = nil,
        own: SelectedMailbox.OwnChange? = nil,
        removed: [UID] = [],
        answered: SelectedMailbox.Answered? = nil,
        then conclusion: Conclusion = .none
    ) throws -> LongNews? {
        let taken = self.takeNews(
            mayExpunge: mayExpunge,
            kinds: kinds ?? self.view.listening.kinds,
            own: own,
            removed: removed,
            answered: answered
        )
        guard let (news, index) = taken else {
            try self.conclude(conclusion, isModSeqDue: false)
            return nil
        }
        let told = LongNews(news: news, index: index, isUnasked: isUnasked, conclusion: conclusion)
        guard news.isShort else { return told }
        self.write(news, index)
        try self.conclude(told)
        return nil
    }

    /// Tells it piece by piece.
    mutating func tell(_ news: LongNews) async throws {
        try await self.writeInPieces(news.news, news.index)
        try self.conclude(news)
    }

    /// Says what stands behind news that has been written.
    private mutating func conclude(_ told: LongNews) throws {
        self.tellChangedResults(told.index)
        // Where no response is completed and nothing was told, nothing can be misunderstood.
        let isDue =
            told.isUnasked && told.news.isEmpty ? self.owesHighestModSeq : self.isModSeqDue(after: told.news)
        try self.conclude(told.conclusion, isModSeqDue: isDue)
    }

    /// `isModSeqDue`: the client has to be told how far it knows the mailbox, see `IMAPSession+ModSeq.swift`.
    private mutating func conclude(_ conclusion: Conclusion, isModSeqDue: Bool) throws {
        switch conclusion {
        case .none: if isModSeqDue { self.tellHighestModSeq() }
        case .completed(let tag, let name, let outcome):
            let code = self.codeOfCompletion(outcome, isModSeqDue: isModSeqDue)
            self.answer(tag, .ok, code: code, outcome.text ?? "\(name) completed")
        case .failed(let tag, let error):
            if isModSeqDue { self.tellHighestModSeq() }
            try self.refuse(tag, error)
        }
    }

    /// Moves the view on; nil if there is nothing of which anything could be told.
    private mutating func takeNews(
        mayExpunge: Bool,
        kinds: SelectedMailbox.Kinds,
        own: SelectedMailbox.OwnChange?,
        removed: [UID],
        answered: SelectedMailbox.Answered?
    ) -> (SelectedMailbox.News, MailboxIndex?)? {
        // Of a mailbox that has been deleted the EXPUNGEs may still be owed (rule U8).
        guard var selected = self.view.selected, !(selected.isDeleted && selected.uids.isEmpty) else { return nil }
        self.watch?.rearm()
        let index = selected.resident.current
        let known = selected.uids.count
        self.tellGoneResults(index, numberedBy: selected)
        let news = selected.sync(
            with: index,
            mayExpunge: mayExpunge && self.queue.mayExpunge,
            wanted: kinds,
            own: own,
            removed: removed,
            answered: answered,
            silenced: self.queue.silenced
        )
        self.view.selected = selected
        if news.exists != nil {
            self.newMessages.add(
                Array(selected.uids[(known - news.expunged.count)...]),
                items: self.view.listening.items
            )
        }
        return (news, index)
    }

    private mutating func write(_ news: SelectedMailbox.News, _ index: MailboxIndex?) {
        guard let selected = self.view.selected else { return }
        self.output.write(
            news,
            of: selected,
            index: index,
            isRev2: self.view.isRev2,
            isCondstore: self.view.isCondstore,
            isQresync: self.view.isQresync
        )
    }

    private mutating func writeInPieces(_ news: SelectedMailbox.News, _ index: MailboxIndex?) async throws {
        guard let selected = self.view.selected else { return }
        let sink = self.sink
        try await self.output.write(
            news,
            of: selected,
            index: index,
            isRev2: self.view.isRev2,
            isCondstore: self.view.isCondstore,
            isQresync: self.view.isQresync
        ) { octets in
            try await sink.write(octets)
        }
    }
}

/// What is said behind changes that are told.
enum Conclusion: Sendable {
    /// Only how far the client knows the mailbox, if it has to be told that.
    case none
    indirect case completed(tag: String, name: String, Outcome)
    indirect case failed(tag: String, any Error)
}

/// Changes of the selected mailbox, and what stands behind them.
final class LongNews: Sendable {
    let news: SelectedMailbox.News
    let index: MailboxIndex?
    let isUnasked: Bool
    let conclusion: Conclusion

    init(news: SelectedMailbox.News, index: MailboxIndex?, isUnasked: Bool, conclusion: Conclusion) {
        self.news = news
        self.index = index
        self.isUnasked = isUnasked
        self.conclusion = conclusion
    }
}
