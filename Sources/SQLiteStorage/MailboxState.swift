// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// What changes about a mailbox, as the running group of transactions has it so far.
///
/// It is written back once per group, however many operations changed it. Pages are read when first asked for: from
/// the index in memory if the mailbox is resident, else from their rows.
struct MailboxState {
    let id: MailboxID
    let account: AccountID
    let uidValidity: UIDValidity
    private(set) var uidNext: UInt32
    private(set) var recentFrom: UInt32
    private(set) var highestModSeq: ModSeq
    private(set) var messages: Int
    private(set) var unseen: Int
    private(set) var deleted: Int
    private(set) var recent: Int
    private(set) var size: Int64
    private(set) var keywords: [String]

    private let resident: ResidentIndex?
    private let base: MailboxIndex?
    private var pages: [UInt32: MailboxPage] = [:]
    private var changedPages: Set<UInt32> = []
    private var isChanged = false
    /// What of ``messages`` and ``size`` the account's quota has counted.
    private var counted = QuotaGrowth()

    /// Nil if there is none of that number, or it is being erased.
    init?(_ id: MailboxID, _ sql: SQL, residents: ResidentTable?) throws {
        let row = try sql.first(
            """
            SELECT account, uidvalidity, uidnext, first_recent_uid, highestmodseq, messages, unseen, deleted, recent,
            size FROM mailbox WHERE id = ? AND name IS NOT NULL
            """,
            .int(id.rawValue)
        ) { row in
            (
                AccountID(rawValue: row.int64(0)), UIDValidity(rawValue: try row.uint32(1)), try row.uint32(2),
                try row.uint32(3), ModSeq(rawValue: row.int64(4)), row.int(5), row.int(6), row.int(7), row.int(8),
                row.int64(9)
            )
        }
        guard let row else { return nil }
        self.id = id
        self.resident = residents?.find(id)
        self.base = self.resident?.current
        (
            self.account, self.uidValidity, self.uidNext, self.recentFrom, self.highestModSeq, self.messages,
            self.unseen, self.deleted, self.recent, self.size
        ) = row
        self.counted = QuotaGrowth(messages: Int64(self.messages), octets: self.size)
        self.keywords = try sql.all("SELECT name FROM keyword WHERE mailbox = ? ORDER BY bit", .int(id.rawValue)) {
            $0.text(0)
        }
    }

    // MARK: Reading

    mutating func page(_ number: UInt32, _ sql: SQL) throws -> MailboxPage? {
        if let page = self.pages[number] { return page }
        if let base = self.base { return base.page(number) }
        let page = try sql.first(
            "SELECT highest_modseq, packed FROM page WHERE mailbox = ? AND number = ?",
            .int(self.id.rawValue),
            .int(number)
        ) { row in
            try PageCoding.decode(row.octets(1), number: number, highestModSeq: ModSeq(rawValue: row.int64(0)))
        }
        self.pages[number] = page
        return page
    }

    /// What changes about the message, or nil if it is not there.
    mutating func slot(_ uid: UID, _ sql: SQL) throws -> MailboxPage.Slot? {
        try self.page(MailboxPage.number(of: uid), sql)?[uid]
    }

    /// The numbers of all pages, ascending.
    func pageNumbers(_ sql: SQL) throws -> [UInt32] {
        var numbers = Set(self.pages.keys)
        if let base = self.base {
            base.forEachPage { numbers.insert($0.number) }
        } else {
            try sql.each("SELECT number FROM page WHERE mailbox = ?", .int(self.id.rawValue)) { row in
                numbers.insert(try row.uint32(0))
            }
        }
        return numbers.sorted()
    }

    /// The index that the rows make: for a mailbox just read, not one that has been changed.
    func index(_ sql: SQL) throws -> MailboxIndex {
        var pages: [MailboxPage] = []
        try sql.each(
            "SELECT number, highest_modseq, packed FROM page WHERE mailbox = ? ORDER BY number",
            .int(self.id.rawValue)
        ) { row in
            pages.append(
                try PageCoding.decode(
                    row.octets(2),
                    number: try row.uint32(0),
                    highestModSeq: ModSeq(rawValue: row.int64(1))
                )
            )
        }
        return self.index(of: pages)
    }

    private func index(of pages: [MailboxPage]) -> MailboxIndex {
        MailboxIndex(
            mailbox: self.id,
            uidValidity: self.uidValidity,
            uidNext: UID(rawValue: self.uidNext),
            recentFrom: UID(rawValue: self.recentFrom),
            highestModSeq: self.highestModSeq,
            keywords: self.keywords,
            pages: pages
        )
    }

    /// Whether an index that was read before is what the rows say now.
    func isCurrent(_ index: MailboxIndex) -> Bool {
        index.uidNext.rawValue == self.uidNext && index.recentFrom.rawValue == self.recentFrom
            && index.highestModSeq == self.highestModSeq && index.keywords == self.keywords
    }

    // MARK: Changing

    /// Takes the next UIDs: `count` of them, from the one returned on.
    ///
    /// Throws ``StoreError/uidsExhausted``.
    mutating func takeUIDs(_ count: Int) throws -> UInt32 {
        let first = self.uidNext
        guard count >= 0, count <= Int(UInt32.max - first) else { throw StoreError.uidsExhausted }
        self.uidNext += UInt32(count)
        self.isChanged = true
        return first
    }

    /// Puts a message where there is none.
    mutating func add(_ uid: UID, _ slot: MailboxPage.Slot, size: Int, _ sql: SQL) throws {
        self.messages += 1
        self.size += Int64(size)
        self.recent += uid.rawValue >= self.recentFrom ? 1 : 0
        self.count(slot.flags, by: 1)
        try self.put(uid, slot, sql)
    }

    /// Takes a page that ``page(_:_:)`` has given, with other flags of its messages.
    mutating func replace(_ page: MailboxPage, _ sql: SQL) throws {
        guard let before = try self.page(page.number, sql), before.count == page.count else {
            throw StoreError.corrupt("expected a page with the same messages")
        }
        self.unseen += page.unseen - before.unseen
        self.deleted += page.deleted - before.deleted
        self.pages[page.number] = page
        self.touch(page.number, page.highestModSeq)
    }

    /// Takes away the message, which is there with the flags `before`.
    mutating func remove(
        _ uid: UID,
        flags before: SystemFlags,
        size: Int,
        at modSeq: ModSeq,
        _ sql: SQL
    ) throws {
        self.messages -= 1
        self.size -= Int64(size)
        self.recent -= uid.rawValue >= self.recentFrom ? 1 : 0
        self.count(before, by: -1)
        let number = MailboxPage.number(of: uid)
        if self.pages[number] == nil { self.pages[number] = try self.page(number, sql) }
        self.pages[number]?.remove(uid, at: modSeq)
        self.touch(number, modSeq)
    }

    /// Ends `\Recent` for the messages there are.
    ///
    /// Returns the first UID that had it.
    mutating func claimRecent() -> UInt32 {
        let first = self.recentFrom
        if first != self.uidNext {
            self.recentFrom = self.uidNext
            self.recent = 0
            self.isChanged = true
        }
        return first
    }

    /// The bits of keywords; those the mailbox does not know get one if `adding`, else they are left out.
    ///
    /// They must be put on a message before this is called again: a bit that no message has may be taken by another
    /// keyword.
    ///
    /// Throws ``StoreError/tooManyKeywords``.
    mutating func keywordBits(_ names: [String], adding: Bool, _ sql: SQL) throws -> UInt64 {
        var bits: UInt64 = 0
        var unknown: [String] = []
        for name in names {
            if let bit = self.keywordBit(name) { bits |= 1 << UInt64(bit) } else { unknown.append(name) }
        }
        guard adding else { return bits }
        for name in unknown {
            let bit = try self.keywordBit(name) ?? self.takeKeywordBit(for: name, sparing: bits, sql)
            bits |= 1 << UInt64(bit)
        }
        return bits
    }

    private func keywordBit(_ name: String) -> Int? {
        let lowercased = name.lowercased()
        return self.keywords.firstIndex { $0.lowercased() == lowercased }
    }

    /// Gives a keyword the next bit or, when there is none, one that no message has and that is not `spared`.
    private mutating func takeKeywordBit(for name: String, sparing spared: UInt64, _ sql: SQL) throws -> Int {
        var bit = self.keywords.count
        if bit >= MailboxIndex.keywordLimit {
            var inUse = spared
            for number in try self.pageNumbers(sql) where inUse != .max {
                inUse |= try self.page(number, sql)?.keywordsInUse ?? 0
            }
            guard inUse != .max else { throw StoreError.tooManyKeywords }
            bit = (~inUse).trailingZeroBitCount
        }
        try sql.run(
            """
            INSERT INTO keyword (mailbox, bit, name) VALUES (?, ?, ?)
            ON CONFLICT (mailbox, bit) DO UPDATE SET name = excluded.name
            """,
            .int(self.id.rawValue),
            .int(bit),
            .text(name)
        )
        if bit < self.keywords.count { self.keywords[bit] = name } else { self.keywords.append(name) }
        self.isChanged = true
        return bit
    }

    /// The names of keyword bits.
    func keywordNames(_ bits: UInt64) -> [String] {
        guard bits != 0 else { return [] }
        return self.keywords.indices.filter { bits & (1 << UInt64($0)) != 0 }.map { self.keywords[$0] }
    }

    private mutating func put(_ uid: UID, _ slot: MailboxPage.Slot, _ sql: SQL) throws {
        let number = MailboxPage.number(of: uid)
        if self.pages[number] == nil {
            self.pages[number] = try self.page(number, sql) ?? MailboxPage(number: number, highestModSeq: slot.modSeq)
        }
        self.pages[number]?.set(uid, slot)
        self.touch(number, slot.modSeq)
    }

    private mutating func count(_ flags: SystemFlags, by step: Int) {
        if !flags.contains(.seen) { self.unseen += step }
        if flags.contains(.deleted) { self.deleted += step }
    }

    private mutating func touch(_ number: UInt32, _ modSeq: ModSeq) {
        self.changedPages.insert(number)
        self.highestModSeq = max(self.highestModSeq, modSeq)
        self.isChanged = true
    }

    /// How much the mailbox has grown since this was last asked, or since it was read.
    mutating func takeGrowth() -> QuotaGrowth {
        let all = QuotaGrowth(messages: Int64(self.messages), octets: self.size)
        defer { self.counted = all }
        return all - self.counted
    }

    // MARK: Committing

    /// Writes back what has changed.
    ///
    /// Pages without messages have no row.
    func write(_ sql: SQL) throws {
        guard self.isChanged else { return }
        try sql.run(
            """
            UPDATE mailbox SET uidnext = ?, first_recent_uid = ?, highestmodseq = ?, messages = ?, unseen = ?,
            deleted = ?, recent = ?, size = ? WHERE id = ?
            """,
            .int(self.uidNext),
            .int(self.recentFrom),
            .int(self.highestModSeq.rawValue),
            .int(self.messages),
            .int(self.unseen),
            .int(self.deleted),
            .int(self.recent),
            .int(self.size),
            .int(self.id.rawValue)
        )
        for number in self.changedPages.sorted() {
            guard let page = self.pages[number], page.count > 0 else {
                try sql.run(
                    "DELETE FROM page WHERE mailbox = ? AND number = ?",
                    .int(self.id.rawValue),
                    .int(number)
                )
                continue
            }
            try sql.run(
                """
                INSERT INTO page (mailbox, number, highest_modseq, packed) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET highest_modseq = excluded.highest_modseq, packed = excluded.packed
                """,
                .int(self.id.rawValue),
                .int(number),
                .int(page.highestModSeq.rawValue),
                .octets(PageCoding.encode(page))
            )
        }
    }

    /// Hands what has been committed to the sessions.
    func publish() {
        guard self.isChanged, let resident = self.resident, var index = self.base else { return }
        index.uidNext = UID(rawValue: self.uidNext)
        index.recentFrom = UID(rawValue: self.recentFrom)
        index.highestModSeq = self.highestModSeq
        index.keywords = self.keywords
        for number in self.changedPages {
            if let page = self.pages[number] { index.replace(page) }
        }
        resident.publish(index)
    }
}
