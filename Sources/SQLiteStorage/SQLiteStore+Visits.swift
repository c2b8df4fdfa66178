// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore: VisitMemory {
    package func visits() async throws -> [Visit] {
        try await self.read { sql in
            try sql.all("SELECT network, latest FROM visit") { row in
                Visit(network: row.octets(0), latest: row.int64(1))
            }
        }
    }

    package func remember(_ visits: [Visit], forgettingBefore time: Int64) async throws {
        try await self.write(cost: visits.count * 32) { transaction in
            for visit in visits {
                try transaction.sql.run(
                    "INSERT OR REPLACE INTO visit (network, latest) VALUES (?, ?)",
                    .octets(visit.network),
                    .int(visit.latest)
                )
            }
            try transaction.sql.run("DELETE FROM visit WHERE latest < ?", .int(time))
        }
    }
}
