// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What one client has been told of its selected mailbox: the session's snapshot.
///
/// It holds the UIDs in the order of their sequence numbers, and the mod-sequence up to which the client knows
/// everything. What to tell is computed at a sync point by comparing it with the mailbox's current index; nothing is
/// queued, so nothing can overflow, come in the wrong order or be lost. Flags are not part of it.
struct SelectedMailbox: Sendable {
    let resident: ResidentMailbox
    /// Nil when the client itself has renamed mailboxes since.
    var name: String?
    let isReadOnly: Bool
    let uidValidity: UIDValidity
    /// UIDs in the order of their sequence numbers, ascending, ``held`` ones included.
    ///
    /// Shared copy-on-write.
    private(set) var uids: [UInt32]
    /// The client knows all changes up to this one, except ``held``.
    private(set) var told: ModSeq
    /// All that is gone up to this one is told or ``held``.
    ///
    /// ``told`` stays behind where the client does not want to hear of flags.
    private(set) var compared: ModSeq
    /// Every UID below has been told of.
    private(set) var uidNext: UID
    /// This session shows messages from this UID on as `\Recent`.
    var recentFrom: UID
    /// Expunged in the store, ascending; not told yet because RFC 9051 §7.5.1 did not allow it.
    private(set) var held: [UInt32] = []
    /// Changed, but ``CommandQueue/silenced`` when that could have been told; ascending.
    private var deferred: [UID] = []
    /// What ``told`` was before something was ``held`` or ``deferred``.
    private var toldBeforeOwing = ModSeq(rawValue: 0)
    /// Whether the mailbox has been deleted by someone.
    private(set) var isDeleted = false
    /// Keywords named in the last FLAGS response.
    private(set) var toldKeywords: [String]
    /// What the user could do when the last FLAGS response said so.
    private var toldRights: Rights

    init(resident: ResidentMailbox, index: MailboxIndex, name: String, isReadOnly: Bool, recentFrom: UID) {
        self.resident = resident
        self.name = name
        self.isReadOnly = isReadOnly
        self.uidValidity = index.uidValidity
        self.uids = resident.uids(of: index)
        self.told = index.highestModSeq
        self.compared = index.highestModSeq
        self.uidNext = index.uidNext
        self.recentFrom = recentFrom
        self.toldKeywords = index.keywords
        self.toldRights = resident.rights
    }

    /// What the user may change here now; nothing behind EXAMINE.
    var rightsToChange: Rights { self.isReadOnly ? .none : self.resident.rights }

    var id: MailboxID { self.resident.id }

    /// The client knows all changes up to this one: no held EXPUNGE has a lower mod-sequence (RFC 7162 §3.2).
    var knownUntil: ModSeq { self.isOwing ? self.toldBeforeOwing : self.told }

    /// Whether something that is older than ``told`` has still to be told.
    var isOwing: Bool { !self.held.isEmpty || !self.deferred.isEmpty }

    /// Whether there is something that the client has not been told, for whatever reason.
    var isBehind: Bool { self.isOwing || self.told != self.compared }

    /// Whether ``sync(with:mayExpunge:wanted:own:removed:answered:silenced:)`` has something to do.
    func hasNews(_ index: MailboxIndex?, mayExpunge: Bool, wanted: Kinds) -> Bool {
        guard let index else { return !self.isDeleted || mayExpunge && wanted != [] && !self.uids.isEmpty }
        if index.highestModSeq != self.compared || self.resident.rights != self.toldRights { return true }
        if wanted.contains(.messages), index.uidNext != self.uidNext || mayExpunge && !self.held.isEmpty { return true }
        return wanted.contains(.flags) && (self.told != self.compared || !self.deferred.isEmpty)
    }

    /// The message's sequence number, or nil if the client does not know it (any more).
    func number(of uid: UID) -> Int? {
        var position = 0
        return self.number(of: uid, from: &position)
    }

    /// The same for messages in ascending order: `position` is 0 before the first of them.
    func number(of uid: UID, from position: inout Int) -> Int? {
        // Mostly it is the next one.
        if position < self.uids.count, self.uids[position] != uid.rawValue {
            position = Self.position(of: uid.rawValue, in: self.uids, from: position)
        }
        guard position < self.uids.count, self.uids[position] == uid.rawValue else { return nil }
        position += 1
        return position
    }

    /// How many messages known to the client are `\Recent`.
    var recentCount: Int { self.uids.count - Self.position(of: self.recentFrom.rawValue, in: self.uids) }

    /// What a client may want to hear of the mailbox's messages (RFC 5465 §5.1 to §5.3).
    struct Kinds: OptionSet, Sendable {
        let rawValue: UInt8
        /// That they come and go: EXISTS, EXPUNGE.
        static let messages = Kinds(rawValue: 1)
        static let flags = Kinds(rawValue: 2)
        static let all: Kinds = [.messages, .flags]
    }

    /// What the client did itself.
    struct OwnChange: Sendable {
        /// Whose mod-sequences a client that needs no FETCH responses with flags is told (RFC 7162 §3.1.3, §3.2.4).
        enum ModSeqs: Sendable {
            case none
            /// Of those that its command changed.
            case changed
            /// Of those too that were as it wants them.
            case all
        }

        /// The messages, ascending.
        var uids: [UID]
        /// What they have, unless somebody else changed them since.
        var modSeq: ModSeq
        /// It needs no FETCH response with flags for what has that mod-sequence; otherwise it gets one in any case,
        /// changed or not.
        var isTold: Bool
        var modSeqs = ModSeqs.none
        /// Left alone, for somebody else had changed them: their flags are told in any case.
        var refused: [UID] = []
    }

    /// Flags that a command has told which began when the client knew of no change behind `since`.
    ///
    /// It may have looked at them long before they are written, and others may have told newer ones meanwhile: what has
    /// changed since is told again behind it, so that the client's last word is the newest.
    struct Answered: Sendable {
        var uids: NumberSet
        var since: ModSeq
    }

    /// What has to be told, in the order of telling.
    struct News: Sendable, Equatable {
        /// Sequence numbers for EXPUNGE responses, descending.
        var expunged: [Int] = []
        /// The same messages' UIDs for a VANISHED response, ascending.
        var vanished: [UInt32] = []
        /// The new number of messages, if it grew.
        var exists: Int?
        /// The mailbox has keywords that FLAGS did not name yet.
        var hasNewKeywords = false
        /// The user may change other flags than before (RFC 4314 §5.1.1).
        var hasOtherRights = false
        /// Messages whose flags the client must hear, by ascending number.
        var flags: [Flags] = []

        /// Which message; the flags themselves are in the index.
        struct Flags: Sendable, Equatable {
            var number: UInt32
            var uid: UID
            /// It is the client's own change: of it, it needs the mod-sequence only.
            var isModSeqOnly = false
        }

        var isEmpty: Bool { self == News() }
    }

    /// Compares with the mailbox as it is now, and moves on to it.
    ///
    /// - Parameters:
    ///   - index: the mailbox now; nil if it has been deleted.
    ///   - mayExpunge: whether EXPUNGE may be told at this moment (rule U1).
    ///   - wanted: what the client wants to hear; the rest is told when it wants it.
    ///   - own: what the completing command changed itself.
    ///   - removed: what it expunged itself, ascending.
    ///   - answered: flags that the completing command has told.
    ///   - silenced: messages whose changed flags are told later.
    /// - Returns: what to tell.
    mutating func sync(
        with index: MailboxIndex?,
        mayExpunge: Bool,
        wanted: Kinds = .all,
        own: OwnChange? = nil,
        removed: [UID] = [],
        answered: Answered? = nil,
        silenced: NumberSet = NumberSet()
    ) -> News {
        var news = News()
        guard let index else {
            self.isDeleted = true
            if mayExpunge, wanted.contains(.messages) {
                news.expunged = (1...max(1, self.uids.count)).reversed().filter { $0 <= self.uids.count }
                news.vanished = self.uids
                (self.uids, self.held) = ([], [])
            }
            return news
        }
        let wasOwing = self.isOwing
        if index.highestModSeq != self.compared {
            self.hold(goneFrom: index)
        }
        if mayExpunge, !self.held.isEmpty {
            let mine = Set(removed.map(\.rawValue))
            news.vanished = wanted.contains(.messages) ? self.held : self.held.filter(mine.contains)
            news.expunged = self.tellHeld(news.vanished)
        }
        let firstNew = self.uidNext
        if wanted.contains(.messages), index.uidNext != self.uidNext {
            let before = self.uids.count
            self.appendNew(from: index)
            if self.uids.count > before { news.exists = self.uids.count }
        }
        if index.keywords != self.toldKeywords, wanted != [] || own != nil {
            self.toldKeywords = index.keywords
            news.hasNewKeywords = true
        }
        let rights = self.resident.rights
        if rights != self.toldRights {
            self.toldRights = rights
            news.hasOtherRights = true
        }
        news.flags = self.flagNews(
            index,
            below: firstNew,
            wanted: wanted.contains(.flags),
            own: own,
            answered: answered,
            silenced: silenced
        )
        if !wasOwing { self.toldBeforeOwing = self.told }
        if wanted.contains(.flags) || !self.owesFlags(index, below: firstNew, own: own) {
            self.told = index.highestModSeq
        }
        self.compared = index.highestModSeq
        return news
    }

    /// Finds the known messages that are no longer there.
    private mutating func hold(goneFrom index: MailboxIndex) {
        var gone: [UInt32] = []
        var start = 0
        while start < self.uids.count {
            let number = self.uids[start] >> 8
            let end = Self.position(
                of: (number << 8 | 255) &+ 1,
                in: self.uids,
                from: start,
                wrapsToEnd: number == 0xFF_FFFF
            )
            let page = index.page(number)
            if page == nil || (page?.highestModSeq ?? self.compared) > self.compared {
                for uid in self.uids[start..<end] where page?[UID(rawValue: uid)] == nil { gone.append(uid) }
            }
            start = end
        }
        if !gone.isEmpty { self.held = Self.merged(self.held, gone) }
    }

    /// Forgets some of the held messages; their numbers, descending.
    private mutating func tellHeld(_ uids: [UInt32]) -> [Int] {
        let gone = NumberSet(ascending: uids)
        let positions = gone.positions(in: self.uids)
        self.held.removeAll { gone.contains($0) }
        let numbers = positions.reversed().flatMap { $0.reversed().map { $0 + 1 } }
        self.uids.removeSubranges(RangeSet(positions))
        return numbers
    }

    private mutating func appendNew(from index: MailboxIndex) {
        let first = self.uidNext
        index.forEachPage(from: MailboxPage.number(of: first)) { page in
            page.forEach { uid, _ in if uid >= first { self.uids.append(uid.rawValue) } }
        }
        self.uidNext = max(self.uidNext, index.uidNext)
    }

    /// Whether there are flags that the client does not want to hear of now; or messages, which have flags too.
    private func owesFlags(_ index: MailboxIndex, below firstNew: UID, own: OwnChange?) -> Bool {
        if self.told != self.compared || index.uidNext != self.uidNext { return true }
        guard index.highestModSeq != self.told else { return false }
        let mine = Set(own?.uids ?? [])
        var owes = false
        index.forEachPage { page in
            guard !owes, page.highestModSeq > self.told else { return }
            page.forEach { uid, slot in
                guard uid < firstNew, slot.modSeq > self.told else { return }
                if slot.modSeq != own?.modSeq || !mine.contains(uid) { owes = true }
            }
        }
        return owes
    }

    /// Which of the messages known before need a FETCH response with their flags, or with their mod-sequences.
    private mutating func flagNews(
        _ index: MailboxIndex,
        below firstNew: UID,
        wanted: Bool,
        own: OwnChange?,
        answered: Answered?,
        silenced: NumberSet
    ) -> [News.Flags] {
        let since = min(answered?.since ?? self.told, self.told)
        let omittable = own.flatMap { $0.isTold ? $0.uids : nil } ?? []
        let mayOmit = NumberSet(ascending: omittable.map(\.rawValue))
        let wasDeferred = Set(self.deferred)
        var changed: [UID] = []
        var modSeqOnly: [UID] = []
        func note(_ uid: UID, _ modSeq: ModSeq) {
            guard modSeq == own?.modSeq, mayOmit.contains(uid.rawValue) else { return changed.append(uid) }
            if own?.modSeqs == .changed { modSeqOnly.append(uid) }
        }
        if wanted {
            for uid in self.deferred { if let modSeq = index[uid]?.modSeq { note(uid, modSeq) } }
        } else if let own, own.isTold, own.modSeqs == .changed {
            modSeqOnly = own.uids.filter { index[$0]?.modSeq == own.modSeq }
        }
        if wanted, index.highestModSeq > since {
            index.forEachPage { page in
                guard page.highestModSeq > since else { return }
                page.forEach { uid, slot in
                    guard uid < firstNew, slot.modSeq > since, !wasDeferred.contains(uid),
                        slot.modSeq > self.told || answered?.uids.contains(uid.rawValue) == true
                    else { return }
                    note(uid, slot.modSeq)
                }
            }
        }
        if wanted {
            if !wasDeferred.isEmpty { changed.sort() }
            self.deferred = silenced.isEmpty ? [] : changed.filter { silenced.contains($0.rawValue) }
            if !self.deferred.isEmpty { changed.removeAll { silenced.contains($0.rawValue) } }
        }
        if let own {
            changed = Self.merged(changed, own.isTold ? own.refused : Self.merged(own.uids, own.refused))
            if own.isTold, own.modSeqs == .all {
                let toldOtherwise = NumberSet(
                    ascending: (wanted ? Self.merged(changed, self.deferred) : changed).map(\.rawValue)
                )
                modSeqOnly = own.uids.filter { !toldOtherwise.contains($0.rawValue) }
            }
        }
        let news = [(changed, false), (modSeqOnly, true)].flatMap { uids, isModSeqOnly in
            var lookup = index.lookup
            var position = 0
            return uids.compactMap { uid -> News.Flags? in
                guard lookup.slot(uid) != nil, let number = self.number(of: uid, from: &position) else { return nil }
                return News.Flags(number: UInt32(clamping: number), uid: uid, isModSeqOnly: isModSeqOnly)
            }
        }
        return modSeqOnly.isEmpty ? news : news.sorted { $0.number < $1.number }
    }

    /// What is in either of two ascending arrays, once and ascending.
    private static func merged<Element: Comparable>(_ left: [Element], _ right: [Element]) -> [Element] {
        if left.isEmpty { return right }
        if right.isEmpty { return left }
        var merged: [Element] = []
        merged.reserveCapacity(left.count + right.count)
        var (mine, theirs) = (left[...], right[...])
        while let one = mine.first, let other = theirs.first {
            if one <= other { mine.removeFirst() }
            if other <= one { theirs.removeFirst() }
            merged.append(min(one, other))
        }
        return merged + mine + theirs
    }

    /// Where `uid` stands in an ascending array, or would stand.
    private static func position(
        of uid: UInt32,
        in uids: [UInt32],
        from start: Int = 0,
        wrapsToEnd: Bool = false
    ) -> Int {
        if wrapsToEnd { return uids.count }
        var (low, high) = (start, uids.count)
        while low < high {
            let middle = (low + high) / 2
            if uids[middle] < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
