// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    /// Where an account has a message: each of its mailboxes is looked into once, in the index of blobs.
    static let findMessage = """
        SELECT message.mailbox, message.uid FROM blob
        CROSS JOIN mailbox ON mailbox.account = ? AND mailbox.name IS NOT NULL
        CROSS JOIN message INDEXED BY message_blob ON message.blob = blob.id AND message.mailbox = mailbox.id
        WHERE blob.sha256 BETWEEN ? AND ? AND message.internaldate = ? AND message.zone = ? LIMIT 1
        """

    /// The same in one mailbox, all of them.
    static let findInMailbox = """
        SELECT message.uid FROM blob
        CROSS JOIN message INDEXED BY message_blob ON message.blob = blob.id AND message.mailbox = ?
        WHERE blob.sha256 BETWEEN ? AND ? AND message.internaldate = ? AND message.zone = ?
        """

    /// A message of the account, in whichever of its mailboxes.
    func message(_ id: EmailID, of account: AccountID, including parts: MessageParts) throws -> StoredMessage? {
        let (low, high) = id.digestBounds
        let place = try self.first(
            Self.findMessage,
            .int(account.rawValue),
            .octets(low),
            .octets(high),
            .int(id.internalDate.time.rawValue),
            .int(id.internalDate.zoneOffsetMinutes)
        ) { (mailbox: MailboxID(rawValue: $0.int64(0)), uid: UID(rawValue: try $0.uint32(1))) }
        guard let place else { return nil }
        return try self.messages([place.uid], in: place.mailbox, including: parts).first
    }

    /// Which messages of the account's mailbox have these identifiers, ascending.
    func uids(of ids: [EmailID], in mailbox: MailboxID, by account: AccountID) throws -> [UID] {
        guard try self.ownMailbox(mailbox, of: account) != nil else { throw StoreError.noSuchMailbox }
        var uids: [UID] = []
        for id in ids {
            let (low, high) = id.digestBounds
            uids += try self.all(
                Self.findInMailbox,
                .int(mailbox.rawValue),
                .octets(low),
                .octets(high),
                .int(id.internalDate.time.rawValue),
                .int(id.internalDate.zoneOffsetMinutes)
            ) { UID(rawValue: try $0.uint32(0)) }
        }
        return uids.ascending()
    }
}

extension EmailID {
    /// The smallest and the largest digest that begin like this one's.
    fileprivate var digestBounds: (low: [UInt8], high: [UInt8]) {
        let rest = 32 - self.digest.count
        return (
            self.digest + [UInt8](repeating: 0, count: rest), self.digest + [UInt8](repeating: 0xFF, count: rest)
        )
    }
}
