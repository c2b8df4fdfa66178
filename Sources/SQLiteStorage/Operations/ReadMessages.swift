// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    /// What never changes about the messages, ascending by UID; those that are gone are left out.
    func messages(_ uids: [UID], in id: MailboxID, including parts: MessageParts) throws -> [StoredMessage] {
        var messages: [StoredMessage] = []
        messages.reserveCapacity(uids.count)
        for uid in uids.ascending() {
            let message = try self.first(
                "SELECT \(MessageRow.columns), savedate FROM message WHERE mailbox = ? AND uid = ?",
                .int(id.rawValue),
                .int(uid.rawValue)
            ) { row in
                let common = MessageRow(row)
                return StoredMessage(
                    uid: uid,
                    blob: common.blob,
                    size: common.size,
                    internalDate: common.internalDate,
                    saveDate: UnixTime(rawValue: row.int64(4))
                )
            }
            guard var message else { continue }
            if parts.summary { message.summary = try self.summary(of: message.blob) }
            if parts.digest { message.digest = try self.digest(of: message.blob) }
            if message.size <= parts.contentUpTo { message.content = try self.content(of: message.blob, message.size) }
            messages.append(message)
        }
        return messages
    }

    private func digest(of blob: BlobID) throws -> [UInt8] {
        let digest = try self.first(
            "SELECT sha256 FROM blob WHERE id = ? AND sha256 IS NOT NULL",
            .int(blob.rawValue)
        ) { $0.octets(0) }
        guard let digest else { throw StoreError.corrupt("expected the blob of a message") }
        return digest
    }

    /// All octets of a blob of that size.
    ///
    /// Throws ``StoreError/corrupt(_:)`` if they are not there.
    private func content(of blob: BlobID, _ size: Int) throws -> [UInt8] {
        var content: [UInt8] = []
        try self.eachChunk(of: blob) { chunk in
            if content.isEmpty { content = chunk } else { content += chunk }
        }
        guard content.count == size else { throw StoreError.corrupt("expected all chunks of a message") }
        return content
    }

    /// Calls `body` for each chunk in order.
    func eachChunk(of blob: BlobID, _ body: ([UInt8]) throws -> Void) throws {
        try self.each(
            "SELECT octets FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id",
            .int(Chunk.first(of: blob)),
            .int(Chunk.last(of: blob))
        ) { try body($0.octets(0)) }
    }

    /// The summary as stored, or, if that is missing or in a form no longer read, made again from the octets.
    func summary(of blob: BlobID) throws -> MessageSummary {
        let stored = try self.first("SELECT summary FROM blob_summary WHERE blob = ?", .int(blob.rawValue)) {
            try? MessageSummary(decoding: $0.octets(0))
        }
        if let summary = stored ?? nil { return summary }
        var parser = MessageParser()
        try self.eachChunk(of: blob) { parser.append($0[...]) }
        return parser.finish()
    }
}
