// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// A search whose client wants to hear of changes to its result: RETURN (UPDATE), RFC 5267 §4.3.
///
/// Pure. What is to be told follows from comparing: with the messages that are gone, and with what the criteria say now
/// of those that have changed.
struct SearchContext: Sendable {
    /// The tag of the searching command.
    let tag: String
    let addressing: Addressing
    /// The criteria, with message numbers as they were when the command was read.
    let run: SearchRun
    /// Which of the session's contexts this is, for a tag may be used again when its context has been cancelled.
    var id = 0
    /// Whether the store is being asked about messages that have changed.
    var isEvaluating = false
    /// UIDs the client knows to be found, ascending.
    private(set) var results: [UInt32]
    /// All changes up to this one are in ``results``, but for messages that are gone.
    private(set) var told: ModSeq

    /// Begins with what a search has found, in the mailbox as its client was told of it.
    init(tag: String, addressing: Addressing, run: SearchRun, found: [UID], in selected: SelectedMailbox) {
        self.tag = tag
        self.addressing = addressing
        self.run = run
        self.results = found.map(\.rawValue)
        self.told = selected.told
    }

    /// Takes out the messages that are no longer there, and tells which, ascending.
    ///
    /// `index` is nil if the mailbox is gone.
    mutating func removeGone(from index: MailboxIndex?) -> [UInt32] {
        guard index?.highestModSeq != self.told else { return [] }
        var gone: [UInt32] = []
        var page: MailboxPage?
        var number: UInt32?
        for uid in self.results {
            let uid = UID(rawValue: uid)
            if number != MailboxPage.number(of: uid) {
                number = MailboxPage.number(of: uid)
                page = index?.page(MailboxPage.number(of: uid))
            }
            if page?[uid] == nil { gone.append(uid.rawValue) }
        }
        if !gone.isEmpty { self.remove(gone) }
        return gone
    }

    /// The messages known to the client that have changed or come since ``told``, ascending.
    func changed(in index: MailboxIndex, of selected: SelectedMailbox) -> [UInt32] {
        guard index.highestModSeq != self.told else { return [] }
        var changed: [UInt32] = []
        index.forEachPage { page in
            guard page.highestModSeq > self.told else { return }
            page.forEach { uid, slot in
                if slot.modSeq > self.told, selected.number(of: uid) != nil { changed.append(uid.rawValue) }
            }
        }
        return changed
    }

    /// Takes over which of the messages `among` meet the criteria, all changes up to `modSeq` considered; what is new
    /// in the result, and what no longer is in it.
    mutating func update(
        found: [UID],
        among uids: [UInt32],
        upTo modSeq: ModSeq
    ) -> (added: [UInt32], removed: [UInt32]) {
        let found = Set(found.map(\.rawValue))
        var (added, removed): ([UInt32], [UInt32]) = ([], [])
        for uid in uids {
            switch (self.contains(uid), found.contains(uid)) {
            case (false, true): added.append(uid)
            case (true, false): removed.append(uid)
            default: break
            }
        }
        if !removed.isEmpty { self.remove(removed) }
        if !added.isEmpty { self.results = (self.results + added).sorted() }
        self.told = max(self.told, modSeq)
        return (added, removed)
    }

    private func contains(_ uid: UInt32) -> Bool {
        var (low, high) = (0, self.results.count)
        while low < high {
            let middle = (low + high) / 2
            if self.results[middle] < uid { low = middle + 1 } else { high = middle }
        }
        return low < self.results.count && self.results[low] == uid
    }

    private mutating func remove(_ uids: [UInt32]) {
        let uids = Set(uids)
        self.results.removeAll { uids.contains($0) }
    }
}

/// Whether a search may have another context: a session has not many, for each costs at every change.
struct ContextAdmission: Sendable {
    /// Contexts of a session.
    static let limit = 8
    /// Messages in all of them; the first may have any number.
    private static let resultLimit = 1 << 20

    private let tags: Set<String>
    private let resultCount: Int

    init(_ view: SessionView) {
        self.tags = Set(view.contexts.map(\.tag))
        self.resultCount = view.contexts.reduce(0) { $0 + $1.results.count }
    }

    /// Throws if a context with that tag exists: "rejecting the searching command with a BAD" (RFC 5267 §4.3).
    func requireUnused(_ tag: String) throws(Refusal) {
        guard !self.tags.contains(tag) else {
            throw Refusal("The tag is in use by a search with UPDATE", code: .clientBug, isBad: true)
        }
    }

    /// The context, unless there are too many: then the client is told, and the rest of the search goes on
    /// (RFC 5267 §4.3.1).
    func admitted(_ context: SearchContext, _ writer: inout ResponseWriter) -> SearchContext? {
        let isWithin =
            self.tags.isEmpty
            || self.tags.count < Self.limit && self.resultCount + context.results.count <= Self.resultLimit
        guard isWithin else {
            writer.untagged(.no, code: .noUpdate(tag: context.tag), "Too many contexts: cancel one first")
            return nil
        }
        return context
    }
}

/// What is to be asked of the store: which messages meet a context's criteria now, of those that have changed.
struct AwaitedEvaluation: Sendable {
    let context: SearchContext
    let among: [UInt32]
    /// All changes up to this one are considered.
    let upTo: ModSeq
}

/// What the store has said about messages of a context that have changed.
package struct ContextEvaluation: Sendable {
    /// ``SearchContext/id``.
    let context: Int
    let among: [UInt32]
    let upTo: ModSeq
    /// nil: it could not be found out.
    let found: [UID]?
}

extension ResponseWriter {
    /// Tells of a change to the result of a search (RFC 5267 §4.3.3, §4.3.4).
    ///
    ///     ret-data-addto      = "ADDTO" SP "(" context-position SP sequence-set … ")"
    ///     ret-data-removefrom = "REMOVEFROM" SP "(" context-position SP sequence-set … ")"
    ///
    /// The position is always 0: results are in the order of the mailbox.
    mutating func contextChange(
        _ item: String,
        _ uids: [UInt32],
        to context: SearchContext,
        of mailbox: SelectedMailbox
    ) {
        let numbers = mailbox.numbers(of: uids.map(UID.init(rawValue:)), context.addressing)
        guard !numbers.isEmpty else { return }
        self.raw("* ")
        self.raw("ESEARCH (TAG ")
        self.string(context.tag)
        self.raw(")")
        if context.addressing == .uids { self.raw(" UID") }
        self.raw(" \(item) (0 ")
        self.sequenceSet(inOrder: numbers)
        self.raw(")")
        self.crlf()
    }
}
