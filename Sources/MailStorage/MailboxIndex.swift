// SPDX-License-Identifier: Apache-2.0

/// A mailbox as it is at one mod-sequence: which messages it has and what changes about them.
///
/// An immutable value.
///
/// The pages are shared with the index before and after, so that the next one costs what has changed, not what is
/// there. FETCH FLAGS, searches by flag, STATUS and sequence sets are answered from it without asking the database.
package struct MailboxIndex: Sendable {
    /// How many different keywords a mailbox can hold at a time.
    package static let keywordLimit = 64

    fileprivate final class SharedPage: Sendable {
        let page: MailboxPage
        init(_ page: MailboxPage) { self.page = page }
    }

    package let mailbox: MailboxID
    package let uidValidity: UIDValidity
    package var uidNext: UID
    /// The first UID that no read-write session has been told as `\Recent` (RFC 3501 §2.3.2).
    package var recentFrom: UID
    package var highestModSeq: ModSeq
    /// Names of the keywords' bits, in the spelling seen first; at most ``keywordLimit``.
    ///
    /// Only a mailbox that has run out of bits gives one that no message has to another keyword. So a bit means what
    /// the index says that the slot comes from, and not always what it meant before.
    package var keywords: [String]
    /// How many messages are there.
    package private(set) var count: Int
    /// Ascending by page number; pages without messages may be missing.
    private var pages: [SharedPage]

    /// Makes the index of a mailbox from its pages, in any order.
    package init(
        mailbox: MailboxID,
        uidValidity: UIDValidity,
        uidNext: UID,
        recentFrom: UID,
        highestModSeq: ModSeq,
        keywords: [String],
        pages: [MailboxPage]
    ) {
        self.mailbox = mailbox
        self.uidValidity = uidValidity
        self.uidNext = uidNext
        self.recentFrom = recentFrom
        self.highestModSeq = highestModSeq
        self.keywords = keywords
        self.count = pages.reduce(0) { $0 + $1.count }
        self.pages = pages.sorted { $0.number < $1.number }.map(SharedPage.init)
    }

    /// What changes about the message, or nil if it is not (or no longer) there.
    ///
    /// O(log pages).
    package subscript(uid: UID) -> MailboxPage.Slot? { self.page(MailboxPage.number(of: uid))?[uid] }

    /// The page of that number, or nil if there is none.
    ///
    /// O(log pages).
    package func page(_ number: UInt32) -> MailboxPage? {
        let position = self.position(of: number)
        guard position < self.pages.count, self.pages[position].page.number == number else { return nil }
        return self.pages[position].page
    }

    /// Puts a changed or new page in its place.
    package mutating func replace(_ page: MailboxPage) {
        let position = self.position(of: page.number)
        if position < self.pages.count, self.pages[position].page.number == page.number {
            self.count += page.count - self.pages[position].page.count
            self.pages[position] = SharedPage(page)
        } else {
            self.count += page.count
            self.pages.insert(SharedPage(page), at: position)
        }
    }

    /// Looks up what changes about messages whose UIDs ascend: most often the page of the last one has the next one too.
    package struct Lookup {
        private let pages: [SharedPage]
        private var position = 0

        fileprivate init(_ pages: [SharedPage]) { self.pages = pages }

        /// The same as ``MailboxIndex/subscript(_:)``; O(log pages) only where UIDs leap over a page.
        package mutating func slot(_ uid: UID) -> MailboxPage.Slot? {
            let number = MailboxPage.number(of: uid)
            if self.position < self.pages.count, self.pages[self.position].page.number < number { self.position += 1 }
            if self.position < self.pages.count, self.pages[self.position].page.number != number {
                self.position = MailboxIndex.position(of: number, in: self.pages)
            }
            return self.position < self.pages.count ? self.pages[self.position].page[uid] : nil
        }
    }

    /// Begins to look up messages in ascending order.
    package var lookup: Lookup { Lookup(self.pages) }

    /// Calls `body` for each page in ascending order, from the page with this number on.
    package func forEachPage(from number: UInt32 = 0, _ body: (MailboxPage) throws -> Void) rethrows {
        for shared in self.pages[self.position(of: number)...] { try body(shared.page) }
    }

    /// All UIDs, ascending.
    package func uids() -> [UInt32] {
        var uids: [UInt32] = []
        uids.reserveCapacity(self.count)
        self.forEachPage { page in page.appendUIDs(to: &uids) }
        return uids
    }

    /// The first message that is not `\Seen`, in O(pages).
    package var firstUnseen: UID? { self.pages.first { $0.page.unseen > 0 }?.page.firstUnseen }

    /// The names of a slot's keyword bits.
    package func keywordNames(_ bits: UInt64) -> [String] {
        guard bits != 0 else { return [] }
        return self.keywords.indices.filter { bits & (1 << UInt64($0)) != 0 }.map { self.keywords[$0] }
    }

    /// The bit of a keyword, compared without regard to ASCII case; nil if the mailbox never had it.
    package func keywordBit(_ name: String) -> UInt64? {
        let lowercased = name.lowercased()
        return self.keywords.firstIndex { $0.lowercased() == lowercased }.map { 1 << UInt64($0) }
    }

    /// Whether a message can be given a keyword that the mailbox does not know yet.
    ///
    /// O(messages) where all bits have names.
    package var hasRoomForKeywords: Bool {
        guard self.keywords.count >= Self.keywordLimit else { return true }
        var inUse: UInt64 = 0
        for shared in self.pages where inUse != .max { inUse |= shared.page.keywordsInUse }
        return inUse != .max
    }

    private func position(of number: UInt32) -> Int { Self.position(of: number, in: self.pages) }

    /// Where the page of that number stands, or would stand.
    private static func position(of number: UInt32, in pages: [SharedPage]) -> Int {
        var (low, high) = (0, pages.count)
        while low < high {
            let middle = (low + high) / 2
            if pages[middle].page.number < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
