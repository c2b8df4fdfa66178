// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What clients have noted (RFC 5464).
    static let annotations = """
        -- What clients have noted about a mailbox; about the server where mailbox is 0.
        CREATE TABLE annotation (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            mailbox INTEGER NOT NULL,
            entry TEXT NOT NULL COLLATE NOCASE,
            value BLOB NOT NULL,
            modseq INTEGER NOT NULL CHECK (modseq >= 1),
            UNIQUE (account, mailbox, entry)
        ) STRICT;
        """
}
