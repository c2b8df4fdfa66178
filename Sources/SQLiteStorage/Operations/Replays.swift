// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    func replay(of key: [UInt8], at time: UnixTime) throws -> Replay? {
        try self.first(
            "SELECT fingerprint, answer FROM replay WHERE key = ? AND begun_at > ?",
            .octets(key),
            .int(time.rawValue - Replay.lifetime)
        ) { row in Replay(fingerprint: row.octets(0), answer: row.octets(1)) }
    }
}

extension Transaction {
    /// Old ones removed along with one that begins, so that they do not gather.
    private static let removed: Int64 = 10

    func begin(_ replay: Replay, of key: [UInt8], for account: AccountID, at time: UnixTime) throws {
        try self.sql.run(
            "INSERT OR REPLACE INTO replay (key, fingerprint, account, begun_at, answer) VALUES (?, ?, ?, ?, ?)",
            .octets(key),
            .octets(replay.fingerprint),
            .int(account.rawValue),
            .int(time.rawValue),
            .octets(replay.answer)
        )
        try self.sql.run(
            "DELETE FROM replay WHERE key IN (SELECT key FROM replay WHERE begun_at <= ? LIMIT ?)",
            .int(time.rawValue - Replay.lifetime),
            .int(Self.removed)
        )
        try self.sql.run(
            """
            DELETE FROM replay WHERE key IN
                (SELECT key FROM replay WHERE account = ? ORDER BY begun_at DESC LIMIT -1 OFFSET ?)
            """,
            .int(account.rawValue),
            .int(Replay.accountLimit)
        )
    }

    func endReplay(of key: [UInt8], answer: [UInt8]?) throws {
        guard let answer else { return try self.sql.run("DELETE FROM replay WHERE key = ?", .octets(key)) }
        try self.sql.run("UPDATE replay SET answer = ? WHERE key = ?", .octets(answer), .octets(key))
    }
}
