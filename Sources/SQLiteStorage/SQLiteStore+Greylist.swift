// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore: GreylistMemory {
    package func greylist() async throws -> [GreylistEntry] {
        try await self.read { sql in
            try sql.all("SELECT id, since, is_known FROM greylist") { row in
                GreylistEntry(number: UInt64(bitPattern: row.int64(0)), since: row.int64(1), isKnown: row.bool(2))
            }
        }
    }

    package func updateGreylist(_ entries: [GreylistEntry], forgetting numbers: [UInt64]) async throws {
        try await self.write(cost: (entries.count + numbers.count) * 32) { transaction in
            for entry in entries {
                try transaction.sql.run(
                    "INSERT OR REPLACE INTO greylist (id, since, is_known) VALUES (?, ?, ?)",
                    .int(Int64(bitPattern: entry.number)),
                    .int(entry.since),
                    .bool(entry.isKnown)
                )
            }
            for number in numbers {
                try transaction.sql.run("DELETE FROM greylist WHERE id = ?", .int(Int64(bitPattern: number)))
            }
        }
    }
}
