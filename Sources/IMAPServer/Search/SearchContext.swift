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
    /// How results are sorted; nil: in the order of the mailbox.
    let sort: SortRun?
    /// What the client wants to know of new messages that are found (RFC 5465 §7).
    let items: [any FetchItem]
    /// Messages from this UID on have come since it was last told; others are found because of their flags.
    private(set) var firstNew: UInt32
    /// Which of the session's contexts this is, for a tag may be used again when its context has been cancelled.
    var id = 0
    /// Whether the store is being asked about messages that have changed.
    var isEvaluating = false
    /// UIDs the client knows to be found, in the order requested.
    private(set) var results: [UInt32]
    /// All changes up to this one are in ``results``, but for messages that are gone.
    private(set) var told: ModSeq

    /// Begins with what a search has found, in the order requested, in the mailbox as its client was told of it.
    init(
        tag: String,
        addressing: Addressing,
        run: SearchRun,
        sort: SortRun? = nil,
        items: [any FetchItem] = [],
        found: [UID],
        in selected: SelectedMailbox
    ) {
        self.tag = tag
        self.addressing = addressing
        self.run = run
        self.sort = sort
        self.items = items
        self.firstNew = selected.uidNext.rawValue
        self.results = found.map(\.rawValue)
        self.told = selected.told
    }

    /// Results that follow one another, and the place of the first, counted from 1.
    ///
    /// Place 0 is "wherever they occur" (RFC 5267 §4.3.4) in the order of the mailbox.
    struct Places: Equatable {
        var position: Int
        var uids: [UInt32]
    }

    /// Takes out the messages that are no longer there, and tells which.
    ///
    /// `index` is nil if the mailbox is gone.
    mutating func removeGone(from index: MailboxIndex?) -> [Places] {
        guard index?.highestModSeq != self.told else { return [] }
        var gone: Set<UInt32> = []
        var page: MailboxPage?
        var number: UInt32?
        for uid in self.results {
            let uid = UID(rawValue: uid)
            if number != MailboxPage.number(of: uid) {
                number = MailboxPage.number(of: uid)
                page = index?.page(MailboxPage.number(of: uid))
            }
            if page?[uid] == nil { gone.insert(uid.rawValue) }
        }
        return self.remove(gone)
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

    /// Which of the messages found are not among the results: of these the place has to be found.
    func additions(_ found: [UID]) -> [UID] {
        guard self.sort != nil, !found.isEmpty else { return [] }
        let results = Set(self.results)
        return found.filter { !results.contains($0.rawValue) }
    }

    /// Takes over which of the messages `among` meet the criteria, all changes up to `modSeq` considered; what no longer
    /// is in the result, and then what is new in it.
    ///
    /// `order`, of a context that is sorted, has at least all results and what is new, in the order requested, but for
    /// messages that are gone. It is not needed if nothing is new.
    mutating func update(
        found: [UID],
        among uids: [UInt32],
        order: [UID]? = nil,
        upTo modSeq: ModSeq
    ) -> (removed: [Places], added: [Places]) {
        let found = Set(found.map(\.rawValue))
        let isIn = self.membership()
        var added = Set(uids.filter { found.contains($0) && !isIn($0) })
        var removed = Set(uids.filter { !found.contains($0) && isIn($0) })
        self.told = max(self.told, modSeq)
        if let last = uids.last { self.firstNew = max(self.firstNew, last &+ 1) }
        guard self.sort != nil else { return (self.remove(removed), self.insert(added)) }
        let order = order?.map(\.rawValue) ?? self.results
        let ordered = Set(order)
        removed.formUnion(self.results.filter { !ordered.contains($0) })
        added.formIntersection(ordered)
        return (self.remove(removed), self.insert(added, order: order))
    }

    /// Whether a message is among the results.
    private func membership() -> (UInt32) -> Bool {
        let results = self.results
        guard self.sort == nil else { return Set(results).contains }
        return { uid in
            var (low, high) = (0, results.count)
            while low < high {
                let middle = (low + high) / 2
                if results[middle] < uid { low = middle + 1 } else { high = middle }
            }
            return low < results.count && results[low] == uid
        }
    }

    /// Takes results out; of a sorted context the last first, so that each place is the one it has at the beginning.
    private mutating func remove(_ uids: Set<UInt32>) -> [Places] {
        guard !uids.isEmpty else { return [] }
        let places = self.places(of: uids)
        self.results.removeAll { uids.contains($0) }
        return places.reversed()
    }

    /// Puts results in, into the order of the mailbox.
    private mutating func insert(_ uids: Set<UInt32>) -> [Places] {
        guard !uids.isEmpty else { return [] }
        self.results = (self.results + uids).sorted()
        return self.places(of: uids)
    }

    /// Puts results in where `order` has them; the first first, so that each place is the one it has at the end.
    private mutating func insert(_ uids: Set<UInt32>, order: [UInt32]) -> [Places] {
        guard !uids.isEmpty else { return [] }
        let isIn = self.membership()
        self.results = order.filter { isIn($0) || uids.contains($0) }
        return self.places(of: uids)
    }

    /// Where the messages are among the results.
    private func places(of uids: Set<UInt32>) -> [Places] {
        guard self.sort != nil else { return [Places(position: 0, uids: self.results.filter(uids.contains))] }
        var places: [Places] = []
        var isBehind = false
        for (index, uid) in self.results.enumerated() {
            let isOne = uids.contains(uid)
            if isOne, isBehind {
                places[places.count - 1].uids.append(uid)
            } else if isOne {
                places.append(Places(position: index + 1, uids: [uid]))
            }
            isBehind = isOne
        }
        return places
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
    /// The order of results and what is new among them, if something is and they are sorted.
    let order: [UID]?
}

extension ResponseWriter {
    /// Tells of a change to the result of a search (RFC 5267 §4.3.3, §4.3.4).
    ///
    ///     ret-data-addto      = "ADDTO" SP "(" context-position SP sequence-set … ")"
    ///     ret-data-removefrom = "REMOVEFROM" SP "(" context-position SP sequence-set … ")"
    ///
    /// More than one message at one place are in the order requested, and ranges go up (RFC 5267 §3.2).
    mutating func contextChange(
        _ item: String,
        _ places: [SearchContext.Places],
        to context: SearchContext,
        of mailbox: SelectedMailbox
    ) {
        guard !places.isEmpty else { return }
        self.raw("* ")
        self.raw("ESEARCH (TAG ")
        self.string(context.tag)
        self.raw(")")
        if context.addressing == .uids { self.raw(" UID") }
        self.raw(" \(item) (")
        self.separated(places) { writer, place in
            writer.number(UInt64(place.position))
            writer.sp()
            writer.sequenceSet(inOrder: mailbox.numbers(of: place.uids.map(UID.init(rawValue:)), context.addressing))
        }
        self.raw(")")
        self.crlf()
    }
}
