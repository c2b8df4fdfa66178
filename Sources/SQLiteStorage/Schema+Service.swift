// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What programs have that use the store from afar.
    static let service = """
        -- Secrets that stand for accounts; scopes are words of MailStorage's AccessScope, separated by spaces.
        CREATE TABLE access_token (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account INTEGER NOT NULL REFERENCES account (id),
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
            name TEXT NOT NULL,
            scopes TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            used_at INTEGER
        ) STRICT;
        CREATE INDEX access_token_account ON access_token (account);

        -- Requests that clients have named, and their answers; status is NULL while one has not been answered. number
        -- counts each account's.
        CREATE TABLE request (
            account INTEGER NOT NULL REFERENCES account (id),
            key TEXT NOT NULL,
            number INTEGER NOT NULL,
            fingerprint BLOB NOT NULL,
            status INTEGER,
            answer BLOB,
            begun_at INTEGER NOT NULL,
            PRIMARY KEY (account, key),
            CHECK ((status IS NULL) = (answer IS NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX request_number ON request (account, number);
        CREATE INDEX request_begun_at ON request (begun_at);

        -- What programs have put under keys.
        CREATE TABLE stored_value (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            key TEXT NOT NULL,
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            octets BLOB NOT NULL,
            size INTEGER NOT NULL CHECK (size = length(octets))
        ) STRICT;
        CREATE UNIQUE INDEX stored_value_key ON stored_value (account, key);
        CREATE INDEX stored_value_size ON stored_value (account, size);
        """
}
