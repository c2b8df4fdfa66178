// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    func transportPolicy(of domain: String, at time: UnixTime) throws -> TransportPolicy? {
        try self.first(
            "SELECT id, text, fetched_at, expires_at FROM transport_policy WHERE domain = ? AND expires_at > ?",
            .text(domain),
            .int(time.rawValue)
        ) { row in
            TransportPolicy(
                id: row.text(0),
                text: row.octets(1),
                fetchedAt: UnixTime(rawValue: row.int64(2)),
                expiresAt: UnixTime(rawValue: row.int64(3))
            )
        }
    }
}

extension Transaction {
    /// Policies removed along with one that is kept, so that those that have expired do not gather.
    private static let removed: Int64 = 10

    func keep(_ policy: TransportPolicy, of domain: String) throws {
        try self.sql.run(
            """
            INSERT INTO transport_policy (domain, id, text, fetched_at, expires_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (domain) DO UPDATE SET id = excluded.id, text = excluded.text,
                fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
            """,
            .text(domain),
            .text(policy.id),
            .octets(policy.text),
            .int(policy.fetchedAt.rawValue),
            .int(policy.expiresAt.rawValue)
        )
        try self.sql.run(
            """
            DELETE FROM transport_policy WHERE domain IN
                (SELECT domain FROM transport_policy WHERE expires_at <= ? LIMIT ?)
            """,
            .int(policy.fetchedAt.rawValue),
            .int(Self.removed)
        )
    }
}
