// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// A message to be added to a mailbox, as the writer needs it.
struct NewRow: Sendable {
    let message: IncomingMessage
    let flags: FlagSet
    let internalDate: MessageDate

    init(_ message: IncomingMessage, flags: FlagSet, internalDate: MessageDate) {
        self.message = message
        self.flags = flags
        self.internalDate = internalDate
    }

    init(_ new: NewMessage) {
        self.init(IncomingMessage(new.message), flags: new.flags, internalDate: new.internalDate)
    }
}

extension Transaction {
    /// Adds the messages if the account may, with those flags that it may set.
    func append(_ messages: [NewRow], to id: MailboxID, by account: AccountID) throws -> AppendReceipt {
        let (_, rights) = try self.mailbox(id, by: account, needing: .insert)
        let receipt = try self.append(messages, to: id, keeping: rights)
        try self.teach(receipt.uids, from: nil, to: id, by: account)
        return receipt
    }

    /// Adds the messages, in the order given, with those flags that the rights let set; for what need not be allowed.
    func append(_ messages: [NewRow], to id: MailboxID, keeping rights: Rights = .all) throws -> AppendReceipt {
        var mailbox = try self.mailbox(id)
        guard !messages.isEmpty else { return AppendReceipt(uidValidity: mailbox.uidValidity, uids: []) }
        let modSeq = try self.modSeq(of: mailbox.account)
        let first = try mailbox.takeUIDs(messages.count)
        var uids: [UID] = []
        for (offset, new) in messages.enumerated() {
            let uid = UID(rawValue: first + UInt32(offset))
            let slot = MailboxPage.Slot(
                flags: new.flags.system.intersection(rights.systemFlags),
                keywords: rights.contains(.write)
                    ? try mailbox.keywordBits(new.flags.keywords, adding: true, self.sql) : 0,
                modSeq: modSeq
            )
            let row = MessageRow(
                blob: try self.reference(new.message),
                size: new.message.size,
                internalDate: new.internalDate
            )
            try self.insert(row, uid, id, modSeq)
            try mailbox.add(uid, slot, size: row.size, self.sql)
            uids.append(uid)
        }
        self.put(mailbox)
        return AppendReceipt(uidValidity: mailbox.uidValidity, uids: uids)
    }

    /// Adds a message whose octets are in the store already; for what need not be allowed.
    func append(_ row: MessageRow, to id: MailboxID) throws {
        var mailbox = try self.mailbox(id)
        let modSeq = try self.modSeq(of: mailbox.account)
        let uid = UID(rawValue: try mailbox.takeUIDs(1))
        try self.reference(row.blob)
        try self.insert(row, uid, id, modSeq)
        try mailbox.add(uid, MailboxPage.Slot(flags: [], keywords: 0, modSeq: modSeq), size: row.size, self.sql)
        self.put(mailbox)
    }

    func insert(_ row: MessageRow, _ uid: UID, _ mailbox: MailboxID, _ modSeq: ModSeq) throws {
        try self.sql.run(
            """
            INSERT INTO message (mailbox, uid, blob, size, internaldate, zone, savedate, created_modseq)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .int(mailbox.rawValue),
            .int(uid.rawValue),
            .int(row.blob.rawValue),
            .int(row.size),
            .int(row.internalDate.time.rawValue),
            .int(row.internalDate.zoneOffsetMinutes),
            .int(self.now.rawValue),
            .int(modSeq.rawValue)
        )
        self.wantIndexing()
    }
}

/// What a copy of a message has in common with it.
struct MessageRow {
    static let columns = "blob, size, internaldate, zone"

    let blob: BlobID
    let size: Int
    let internalDate: MessageDate

    init(blob: BlobID, size: Int, internalDate: MessageDate) {
        self.blob = blob
        self.size = size
        self.internalDate = internalDate
    }

    /// Reads ``columns`` from the column `start` on.
    init(_ row: SQLRow, from start: Int32 = 0) {
        self.init(
            blob: BlobID(rawValue: row.int64(start)),
            size: row.int(start + 1),
            internalDate: MessageDate(
                time: UnixTime(rawValue: row.int64(start + 2)),
                zoneOffsetMinutes: row.int(start + 3)
            )
        )
    }
}
