// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Aliases of addresses, domains without tags, and secrets of the store.
    static let recipients = """
        -- Targets of aliases that are no accounts: other addresses here, or addresses elsewhere.
        CREATE TABLE alias_address (
            alias INTEGER NOT NULL REFERENCES alias (id) ON DELETE CASCADE,
            local_part TEXT NOT NULL,
            domain TEXT NOT NULL,
            PRIMARY KEY (alias, domain, local_part)
        ) STRICT, WITHOUT ROWID;

        -- What nobody else may know: keys for codes in addresses that come back to us.
        CREATE TABLE secret (
            name TEXT NOT NULL PRIMARY KEY,
            octets BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- uses_tags: whether ann+anything is ann.
        ALTER TABLE domain ADD COLUMN uses_tags INTEGER NOT NULL DEFAULT 1 CHECK (uses_tags IN (0, 1));
        """
}
