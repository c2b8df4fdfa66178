// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What accounts teach about junk.
    static let junk = """
        -- One row for each account of which something was learnt. junk, wanted: messages that junk_token and junk_domain
        -- count; tokens: rows there. key makes numbers of tokens; version: how messages are taken apart.
        CREATE TABLE junk_account (
            account INTEGER PRIMARY KEY REFERENCES account (id),
            key BLOB NOT NULL CHECK (length(key) = 16),
            version INTEGER NOT NULL,
            junk INTEGER NOT NULL CHECK (junk >= 0),
            wanted INTEGER NOT NULL CHECK (wanted >= 0),
            tokens INTEGER NOT NULL CHECK (tokens >= 0),
            learnt_at INTEGER,
            surveyed_at INTEGER
        ) STRICT;

        -- In how many messages a token was.
        CREATE TABLE junk_token (
            account INTEGER NOT NULL REFERENCES account (id),
            token INTEGER NOT NULL,
            junk INTEGER NOT NULL CHECK (junk >= 0),
            wanted INTEGER NOT NULL CHECK (wanted >= 0),
            learnt_at INTEGER NOT NULL,
            PRIMARY KEY (account, token)
        ) STRICT, WITHOUT ROWID;

        -- The same of domains that were shown to have sent messages.
        CREATE TABLE junk_domain (
            account INTEGER NOT NULL REFERENCES account (id),
            domain TEXT NOT NULL,
            junk INTEGER NOT NULL CHECK (junk >= 0),
            wanted INTEGER NOT NULL CHECK (wanted >= 0),
            PRIMARY KEY (account, domain)
        ) STRICT, WITHOUT ROWID;

        -- Messages that an account has said something about: what they are meant to count as, and what they count as, for
        -- which domain: 0 nothing, 1 wanted, 2 junk. Where the two differ, there is something to be learnt.
        CREATE TABLE junk_lesson (
            account INTEGER NOT NULL REFERENCES account (id),
            blob INTEGER NOT NULL,
            meant INTEGER NOT NULL CHECK (meant BETWEEN 0 AND 2),
            learnt INTEGER NOT NULL CHECK (learnt BETWEEN 0 AND 2),
            domain TEXT,
            PRIMARY KEY (account, blob)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX junk_lesson_blob ON junk_lesson (blob);
        CREATE INDEX junk_lesson_waiting ON junk_lesson (account) WHERE meant <> learnt;

        -- Addresses that an account has written to.
        CREATE TABLE junk_correspondent (
            account INTEGER NOT NULL REFERENCES account (id),
            address TEXT NOT NULL COLLATE NOCASE,
            written_at INTEGER NOT NULL,
            PRIMARY KEY (account, address)
        ) STRICT, WITHOUT ROWID;
        """
}
