// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Requests over HTTP that are not done twice.
    static let replays = """
        -- What was answered to requests that name themselves (Idempotency-Key); key and fingerprint are hashes. An empty
        -- answer is not known.
        CREATE TABLE replay (
            key BLOB PRIMARY KEY,
            fingerprint BLOB NOT NULL,
            account INTEGER NOT NULL,
            begun_at INTEGER NOT NULL,
            answer BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX replay_begun ON replay (begun_at);
        CREATE INDEX replay_account ON replay (account, begun_at);
        """
}
