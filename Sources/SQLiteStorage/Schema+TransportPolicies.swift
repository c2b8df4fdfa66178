// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What other domains have said about TLS with their mail hosts.
    static let transportPolicies = """
        -- The MTA-STS policies of domains elsewhere (RFC 8461), as they were fetched.
        CREATE TABLE transport_policy (
            domain TEXT PRIMARY KEY,
            id TEXT NOT NULL,
            text BLOB NOT NULL,
            fetched_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX transport_policy_expires ON transport_policy (expires_at);
        """
}
