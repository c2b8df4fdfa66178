// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    /// The keys of a domain, or of all.
    func signingKeys(of domain: String?) throws -> [StoredSigningKey] {
        try self.all(
            """
            SELECT domain, selector, algorithm, pem, added_at, is_signing FROM signing_key
            WHERE domain = coalesce(?, domain) ORDER BY domain, selector
            """,
            .optional(domain)
        ) { row in
            guard let algorithm = StoredSigningKey.Algorithm(rawValue: row.text(2)) else {
                throw StoreError.corrupt("expected an algorithm of a signing key")
            }
            return StoredSigningKey(
                domain: row.text(0),
                selector: row.text(1),
                algorithm: algorithm,
                pem: row.octets(3),
                addedAt: UnixTime(rawValue: row.int64(4)),
                isSigning: row.bool(5)
            )
        }
    }
}

extension Transaction {
    /// Adds a key that does not sign yet.
    func add(_ key: StoredSigningKey) throws {
        guard try self.sql.hasDomain(key.domain) else { throw StoreError.notFound(key.domain) }
        guard try self.algorithm(of: key.domain, key.selector) == nil else {
            throw StoreError.exists("\(key.selector)._domainkey.\(key.domain)")
        }
        try self.sql.run(
            """
            INSERT INTO signing_key (domain, selector, algorithm, pem, added_at, is_signing) VALUES (?, ?, ?, ?, ?, 0)
            """,
            .text(key.domain),
            .text(key.selector),
            .text(key.algorithm.rawValue),
            .octets(key.pem),
            .int(key.addedAt.rawValue)
        )
    }

    func startSigning(domain: String, selector: String) throws {
        let algorithm = try self.requireAlgorithm(of: domain, selector)
        try self.sql.run(
            "UPDATE signing_key SET is_signing = 0 WHERE domain = ? AND algorithm = ?",
            .text(domain),
            .text(algorithm)
        )
        try self.sql.run(
            "UPDATE signing_key SET is_signing = 1 WHERE domain = ? AND selector = ?",
            .text(domain),
            .text(selector)
        )
    }

    func removeSigningKey(domain: String, selector: String) throws {
        _ = try self.requireAlgorithm(of: domain, selector)
        try self.sql.run(
            "DELETE FROM signing_key WHERE domain = ? AND selector = ?",
            .text(domain),
            .text(selector)
        )
    }

    private func algorithm(of domain: String, _ selector: String) throws -> String? {
        try self.sql.first(
            "SELECT algorithm FROM signing_key WHERE domain = ? AND selector = ?",
            .text(domain),
            .text(selector)
        ) { $0.text(0) }
    }

    private func requireAlgorithm(of domain: String, _ selector: String) throws -> String {
        guard let algorithm = try self.algorithm(of: domain, selector) else {
            throw StoreError.notFound("key \(selector)._domainkey.\(domain)")
        }
        return algorithm
    }
}
