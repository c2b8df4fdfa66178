// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Verification {
    /// A mailbox's pages against its messages, and its counters against both.
    mutating func checkMailboxes() throws {
        let mailboxes = try self.sql.all(
            """
            SELECT id, name, special_use, uidnext, first_recent_uid, messages, unseen, deleted, recent, size,
            (SELECT count(*) FROM keyword WHERE mailbox = mailbox.id) FROM mailbox WHERE name IS NOT NULL
            """
        ) { row in
            Figures(
                id: row.int64(0),
                name: row.text(1),
                specialUse: row.optionalText(2),
                uidNext: row.int64(3),
                recentFrom: row.int64(4),
                keywords: row.int(10),
                counters: Counters(
                    messages: row.int(5),
                    unseen: row.int(6),
                    deleted: row.int(7),
                    recent: row.int(8),
                    size: row.int64(9)
                )
            )
        }
        for mailbox in mailboxes {
            try self.check(mailbox)
            self.advance()
        }
    }

    private struct Counters: Equatable {
        var messages = 0
        var unseen = 0
        var deleted = 0
        var recent = 0
        var size: Int64 = 0
    }

    private struct Figures {
        let id: Int64
        let name: String
        let specialUse: String?
        let uidNext: Int64
        let recentFrom: Int64
        let keywords: Int
        let counters: Counters
    }

    private mutating func check(_ mailbox: Figures) throws {
        let title = "mailbox \(mailbox.id)"
        if MailboxName(looking: mailbox.name)?.text != mailbox.name {
            self.note("\(title): its name is in the form that is stored")
        }
        let uses = SpecialUse.uses(in: mailbox.specialUse)
        if uses.flatMap(SpecialUse.text) != mailbox.specialUse {
            self.note("\(title): each of its special uses is one of RFC 6154")
        }
        var rows: [(uid: UInt32, size: Int64, modSeq: Int64)] = []
        try self.sql.each(
            "SELECT uid, size, created_modseq FROM message WHERE mailbox = ? ORDER BY uid",
            .int(mailbox.id)
        ) { row in rows.append((try row.uint32(0), row.int64(1), row.int64(2))) }
        var counted = Counters()
        var next = rows.startIndex
        var agree = true
        for page in try self.pages(of: mailbox) {
            page.forEach { uid, slot in
                guard next < rows.endIndex, rows[next].uid == uid.rawValue, rows[next].modSeq <= slot.modSeq.rawValue
                else {
                    agree = false
                    return
                }
                counted.messages += 1
                counted.unseen += slot.flags.contains(.seen) ? 0 : 1
                counted.deleted += slot.flags.contains(.deleted) ? 1 : 0
                counted.recent += Int64(uid.rawValue) >= mailbox.recentFrom ? 1 : 0
                counted.size += rows[next].size
                next += 1
                if mailbox.keywords < 64, slot.keywords >> UInt64(mailbox.keywords) != 0 { agree = false }
            }
        }
        if !agree || next != rows.endIndex {
            self.note("\(title): its pages have exactly its messages, and keywords that it knows")
        }
        if agree, counted != mailbox.counters { self.note("\(title): its counters are what there is to count") }
    }

    /// The pages that can be read, ascending.
    private mutating func pages(of mailbox: Figures) throws -> [MailboxPage] {
        let rows = try self.sql.all(
            "SELECT number, highest_modseq, packed FROM page WHERE mailbox = ? ORDER BY number",
            .int(mailbox.id)
        ) { row in
            let number = try row.uint32(0)
            return (
                number,
                Result {
                    try PageCoding.decode(row.octets(2), number: number, highestModSeq: ModSeq(rawValue: row.int64(1)))
                }
            )
        }
        var pages: [MailboxPage] = []
        for (number, result) in rows {
            switch result {
            case .success(let page):
                pages.append(page)
                if page.count == 0 { self.note("mailbox \(mailbox.id) page \(number): it has messages") }
            case .failure: self.note("mailbox \(mailbox.id) page \(number): it can be read")
            }
        }
        return pages
    }
}
