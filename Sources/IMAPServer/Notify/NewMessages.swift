// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// New messages of the selected mailbox of which the client wants to know more than that they are there: because of
/// NOTIFY, or because a search with UPDATE has found them (RFC 5465 §5.2, §7).
///
/// Pure. Of each message everything is told in one FETCH response.
struct NewMessages: Sendable {
    private struct Source: Sendable {
        /// ``SearchContext/id``, or 0 for NOTIFY.
        var id: Int
        var items: [any FetchItem]
        var uids: NumberSet
    }

    /// Messages of which the same is asked.
    struct Group: Sendable {
        var items: [any FetchItem]
        /// Ascending.
        var uids: [UID]
    }

    private var sources: [Source] = []
    /// Added by the client itself.
    private var own = NumberSet()

    var isEmpty: Bool { self.sources.isEmpty }

    /// Adds messages of which a source wants to know; 0 is NOTIFY, others are contexts.
    mutating func add(_ uids: [UInt32], items: [any FetchItem], source id: Int = 0) {
        guard !uids.isEmpty, !items.isEmpty else { return }
        let uids = NumberSet(ascending: uids)
        if let position = self.sources.firstIndex(where: { $0.id == id }) {
            self.sources[position].uids = self.sources[position].uids.union(uids)
        } else {
            self.sources.append(Source(id: id, items: items, uids: uids))
        }
    }

    /// Says that the client has added messages itself: "A FETCH response SHOULD NOT be generated" (RFC 5465 §5.2).
    mutating func note(own uids: [UID]) { self.own = self.own.union(NumberSet(ascending: uids.map(\.rawValue))) }

    /// Hands over what there is to be told.
    mutating func take() -> [Group] {
        let sources = self.sources.map { Source(id: $0.id, items: $0.items, uids: $0.uids.subtracting(self.own)) }
        self = NewMessages()
        var order: [Int] = []
        var groups: [Int: [UID]] = [:]
        for uid in sources.reduce(NumberSet(), { $0.union($1.uids) }).ranges.joined() {
            var wanted = 0
            for (bit, source) in sources.enumerated() where source.uids.contains(uid) { wanted |= 1 << bit }
            if groups[wanted] == nil { order.append(wanted) }
            groups[wanted, default: []].append(UID(rawValue: uid))
        }
        return order.map { wanted in
            // RFC 9051 §7.5.2: what was not asked for names the message by its UID.
            var items: [any FetchItem] = [UIDItem()]
            for (bit, source) in sources.enumerated() where wanted & (1 << bit) != 0 { items += source.items }
            var seen: Set<AnyHashable> = []
            return Group(
                items: items.filter { seen.insert(AnyHashable($0)).inserted },
                uids: groups[wanted] ?? []
            )
        }
    }
}
