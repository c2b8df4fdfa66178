// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQL {
    func value(of key: String, _ account: AccountID) throws -> [UInt8]? {
        try self.first(
            "SELECT octets FROM stored_value WHERE account = ? AND key = ?",
            .int(account.rawValue),
            .text(key)
        ) { $0.octets(0) }
    }

    func values(prefix: String, after key: String, limit: Int, _ account: AccountID) throws -> [StoredValueEntry] {
        var entries: [StoredValueEntry] = []
        try self.eachWhile(
            "SELECT key, size, digest FROM stored_value WHERE account = ? AND key > ? AND key >= ? ORDER BY key LIMIT ?",
            .int(account.rawValue),
            .text(key),
            .text(prefix),
            .int(limit)
        ) { row in
            let key = row.text(0)
            guard key.utf8.starts(with: prefix.utf8) else { return false }
            entries.append(StoredValueEntry(key: key, size: row.int(1), digest: row.octets(2)))
            return true
        }
        return entries
    }
}

extension Transaction {
    func setValue(
        _ value: StoredValue?,
        of key: String,
        _ account: AccountID,
        if isExpected: ([UInt8]?) -> Bool
    ) throws -> Bool {
        try self.requireAccount(account)
        let digest = try self.sql.first(
            "SELECT digest FROM stored_value WHERE account = ? AND key = ?",
            .int(account.rawValue),
            .text(key)
        ) { $0.octets(0) }
        guard isExpected(digest) else { return false }
        guard let value else {
            try self.sql.run(
                "DELETE FROM stored_value WHERE account = ? AND key = ?",
                .int(account.rawValue),
                .text(key)
            )
            return true
        }
        guard value.octets.count <= StoredValueLimits.value else { throw StoreError.overQuota }
        try self.sql.run(
            """
            INSERT INTO stored_value (account, key, digest, octets, size) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (account, key) DO UPDATE SET digest = excluded.digest, octets = excluded.octets,
            size = excluded.size
            """,
            .int(account.rawValue),
            .text(key),
            .octets(value.digest),
            .octets(value.octets),
            .int(value.octets.count)
        )
        let all = try self.sql.first(
            "SELECT count(*), coalesce(sum(size), 0) FROM stored_value WHERE account = ?",
            .int(account.rawValue)
        ) { (count: $0.int64(0), octets: $0.int64(1)) }
        guard let all, all.count <= StoredValueLimits.values, all.octets <= StoredValueLimits.octets else {
            throw StoreError.overQuota
        }
        return true
    }
}
