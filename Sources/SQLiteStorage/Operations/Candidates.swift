// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQLiteStore {
    /// The messages that the index has the term for, and those that it does not have; nil if it is of no use here.
    ///
    /// A damaged index is made anew by ``index()``; until then there is none.
    func candidates(for term: TextTerm, in mailbox: MailboxID, by account: AccountID) async throws -> TextCandidates? {
        guard !self.indexing.isDamaged, let expression = SearchTokens.expression(for: term) else { return nil }
        do {
            return try await self.read { sql in
                try sql.requireMailbox(mailbox, by: account, needing: .read)
                guard let mark = try SearchIndex.mark(sql), mark > 0 else { return nil }
                var uids: [UInt32] = []
                try sql.each(
                    """
                    SELECT message.uid FROM search_text CROSS JOIN message INDEXED BY message_blob
                    ON message.blob = search_text.rowid AND message.mailbox = ?
                    WHERE search_text MATCH ?
                    """,
                    .int(mailbox.rawValue),
                    .text(expression)
                ) { uids.append(try $0.uint32(0)) }
                try sql.each(
                    "SELECT uid FROM message INDEXED BY message_blob WHERE blob > ? AND mailbox = ?",
                    .integer(mark),
                    .int(mailbox.rawValue)
                ) { uids.append(try $0.uint32(0)) }
                try sql.each(
                    """
                    SELECT message.uid FROM search_exception CROSS JOIN message INDEXED BY message_blob
                    ON message.blob = search_exception.blob AND message.mailbox = ?
                    """,
                    .int(mailbox.rawValue)
                ) { uids.append(try $0.uint32(0)) }
                return TextCandidates(uids)
            }
        } catch let error where !(error is StoreError) && !(error is CancellationError) || error.isDamage {
            self.indexing.damaged()
            return nil
        }
    }
}

extension Error {
    fileprivate var isDamage: Bool {
        guard case .corrupt = self as? StoreError else { return false }
        return true
    }
}
