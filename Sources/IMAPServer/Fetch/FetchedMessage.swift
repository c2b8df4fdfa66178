// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// What is known of a message while FETCH answers for it.
struct FetchedMessage: Sendable {
    /// Its sequence number.
    private(set) var number: Int
    private(set) var uid: UID
    private(set) var slot: MailboxPage.Slot
    /// Names the keywords.
    let index: MailboxIndex
    private(set) var isRecent: Bool
    /// Items to write before those that were asked for.
    var firstItems: [any FetchItem] = []
    /// If an item needs it.
    private(set) var row: StoredMessage?
    /// If an item needs them.
    var octets: MessageOctets?
    /// How long sections are and whether they have NUL, as far as items found that out beforehand.
    var measures: [SectionOctets: SectionOctets.Measure] = [:]

    /// The first words, if an item has found them.
    var preview = ""

    /// Nil if the client does not know the message (any more) or it is gone.
    init?(_ uid: UID, in mailbox: SelectedMailbox, _ index: MailboxIndex, isRev2: Bool) {
        guard let number = mailbox.number(of: uid), let slot = index[uid] else { return nil }
        self.init(
            number: number,
            uid: uid,
            slot: slot,
            index: index,
            isRecent: !isRev2 && uid >= mailbox.recentFrom
        )
    }

    init(number: Int, uid: UID, slot: MailboxPage.Slot, index: MailboxIndex, isRecent: Bool) {
        self.number = number
        self.uid = uid
        self.slot = slot
        self.index = index
        self.isRecent = isRecent
    }

    /// Nobody knows anything of it yet: it is to ``become(number:uid:slot:isRecent:)`` one.
    init(unknown uid: UID, in index: MailboxIndex) {
        let slot = MailboxPage.Slot(flags: [], keywords: 0, modSeq: index.highestModSeq)
        self.init(number: 0, uid: uid, slot: slot, index: index, isRecent: false)
    }

    /// Becomes the next message, of which nothing is known yet but what memory knows: cheaper than making another.
    mutating func become(number: Int, uid: UID, slot: MailboxPage.Slot, isRecent: Bool) {
        (self.number, self.uid, self.slot, self.isRecent) = (number, uid, slot, isRecent)
        (self.firstItems, self.row, self.octets, self.measures, self.preview) = ([], nil, nil, [:], "")
    }

    mutating func take(_ row: StoredMessage, from store: any MailStore) {
        self.octets = MessageOctets(of: row, from: store)
        self.row = row
        // What is read lives in one place only.
        self.row?.content = nil
    }

    /// The row, which the item's ``FetchItem/needs`` asked for.
    func stored() throws -> StoredMessage {
        guard let row = self.row else { throw StoreError.corrupt("a message without its row") }
        return row
    }

    /// The summary, which the item's ``FetchItem/needs`` asked for.
    func summary() throws -> MessageSummary {
        guard let summary = self.row?.summary else { throw StoreError.corrupt("a message without its summary") }
        return summary
    }
}
