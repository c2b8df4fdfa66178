// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What has become of messages.
    static let trace = """
        -- Each message that was accepted, numbered in the order of acceptance. id: our name for it; message_id: without
        -- angle brackets. service is NULL for what was made here. reasons: one on each line.
        CREATE TABLE trace (
            number INTEGER PRIMARY KEY,
            id TEXT,
            message_id TEXT,
            received_at INTEGER NOT NULL,
            reverse_path TEXT NOT NULL,
            size INTEGER NOT NULL,
            is_junk INTEGER NOT NULL CHECK (is_junk IN (0, 1)),
            service TEXT,
            client_address TEXT,
            client_name TEXT,
            protocol TEXT,
            tls TEXT,
            account TEXT,
            results TEXT,
            reasons TEXT,
            CHECK (service IS NULL OR client_address IS NOT NULL AND protocol IS NOT NULL)
        ) STRICT;
        CREATE INDEX trace_id ON trace (id) WHERE id IS NOT NULL;
        CREATE INDEX trace_message_id ON trace (message_id) WHERE message_id IS NOT NULL;

        -- Whose it is, each address once: role is 0 for the reverse-path, 1 for an author, 2 for a recipient whom the client
        -- named, 3 for one that it is sent on to.
        CREATE TABLE trace_address (
            message INTEGER NOT NULL REFERENCES trace (number) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number >= 0),
            role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),
            address TEXT NOT NULL COLLATE NOCASE,
            PRIMARY KEY (message, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX trace_address_address ON trace_address (address);

        -- What has happened to it since, in its order; see MailStorage's MessageEvent.
        CREATE TABLE trace_event (
            number INTEGER PRIMARY KEY,
            message INTEGER NOT NULL REFERENCES trace (number) ON DELETE CASCADE,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            address TEXT,
            entry INTEGER,
            detail TEXT,
            tls TEXT,
            until INTEGER
        ) STRICT;
        CREATE INDEX trace_event_message ON trace_event (message);
        CREATE INDEX trace_event_entry ON trace_event (entry) WHERE entry IS NOT NULL;
        """
}
