// SPDX-License-Identifier: Apache-2.0

import GRDB
import MailStorage

/// The tables, as a list of steps that is only ever appended to: a step that was released is never edited.
///
/// The number of steps a file has taken is its `user_version`. `Tests/SQLiteStorageTests/schema.sql` shows the result.
enum Schema {
    /// `application_id` of our files: "LHse".
    static let applicationID: Int64 = 0x4C48_7365

    static let migrations = [
        Self.first, Self.expungedExtent, Self.quota, Self.annotations, Self.access, Self.formerInbox, Self.front,
        Self.signingKeys, Self.recipients, Self.release, Self.transportPolicies, Self.reports,
        Self.trace, Self.greylist, Self.visits, Self.junk, Self.replays, Self.service, Self.logins,
    ]

    static var version: Int { Self.migrations.count }

    /// Refuses files that are not ours or newer than this program.
    ///
    /// Writes nothing.
    static func check(_ sql: SQL) throws {
        let version = Int(try sql.number("PRAGMA user_version"))
        if try sql.number("PRAGMA application_id") != Self.applicationID {
            guard version == 0, try sql.number("SELECT count(*) FROM sqlite_schema") == 0 else {
                throw StoreError.corrupt("the file is not a mail store")
            }
        }
        guard version <= Self.version else { throw StoreError.newerSchema(version) }
    }

    /// Takes the steps that are missing, each in a transaction that also says that it was taken.
    static func migrate(_ sql: SQL) throws {
        let version = Int(try sql.number("PRAGMA user_version"))
        for (offset, step) in Self.migrations.enumerated().dropFirst(version) {
            try sql.run("BEGIN IMMEDIATE")
            do {
                try sql.script(step)
                try sql.script("PRAGMA application_id = \(Self.applicationID); PRAGMA user_version = \(offset + 1)")
                try sql.run("COMMIT")
            } catch {
                if sql.isInTransaction { try sql.run("ROLLBACK") }
                throw error
            }
        }
    }

    /// How far back `gone` reaches, and how long it is.
    private static let expungedExtent = """
        -- gone has everything that was expunged after the mod-sequence since, in as many rows as ranges says.
        CREATE TABLE gone_extent (
            mailbox INTEGER PRIMARY KEY REFERENCES mailbox (id),
            since INTEGER NOT NULL CHECK (since >= 0),
            ranges INTEGER NOT NULL CHECK (ranges >= 0)
        ) STRICT;
        INSERT INTO gone_extent (mailbox, since, ranges) SELECT mailbox, 0, count(*) FROM gone GROUP BY mailbox;
        """

    /// Which mailboxes were made by renaming `INBOX`, for who is to be told of that as a change of names.
    private static let formerInbox =
        "ALTER TABLE mailbox ADD COLUMN was_inbox INTEGER NOT NULL DEFAULT 0 CHECK (was_inbox IN (0, 1))"

    /// What comes before a message but is known only at its end.
    private static let front = """
        -- front: octets that the first chunk has, and no others, unless it is 0; the full chunks come behind it.
        ALTER TABLE blob ADD COLUMN front INTEGER NOT NULL DEFAULT 0 CHECK (front >= 0);
        """

    private static let first = """
        CREATE TABLE domain (
            name TEXT NOT NULL PRIMARY KEY
        ) STRICT, WITHOUT ROWID;

        -- local_part and domain are NULL while a removed account's mail is being erased.
        CREATE TABLE account (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            local_part TEXT COLLATE NOCASE,
            domain TEXT REFERENCES domain (name),
            verifier TEXT NOT NULL,
            modseq INTEGER NOT NULL CHECK (modseq >= 1),
            uidvalidity INTEGER NOT NULL CHECK (uidvalidity BETWEEN 0 AND 4294967295)
        ) STRICT;
        CREATE UNIQUE INDEX account_address ON account (domain, local_part) WHERE domain IS NOT NULL;
        CREATE INDEX account_removed ON account (id) WHERE domain IS NULL;

        CREATE TABLE alias (
            id INTEGER PRIMARY KEY,
            local_part TEXT NOT NULL COLLATE NOCASE,
            domain TEXT NOT NULL REFERENCES domain (name),
            UNIQUE (domain, local_part)
        ) STRICT;

        CREATE TABLE alias_target (
            alias INTEGER NOT NULL REFERENCES alias (id) ON DELETE CASCADE,
            account INTEGER NOT NULL REFERENCES account (id),
            PRIMARY KEY (alias, account)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX alias_target_account ON alias_target (account);

        -- name is NULL while a deleted mailbox's messages are being erased.
        CREATE TABLE mailbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account INTEGER NOT NULL REFERENCES account (id),
            name TEXT,
            special_use TEXT,
            uidvalidity INTEGER NOT NULL CHECK (uidvalidity BETWEEN 1 AND 4294967295),
            uidnext INTEGER NOT NULL CHECK (uidnext BETWEEN 1 AND 4294967295),
            first_recent_uid INTEGER NOT NULL CHECK (first_recent_uid BETWEEN 1 AND uidnext),
            highestmodseq INTEGER NOT NULL CHECK (highestmodseq >= 1),
            messages INTEGER NOT NULL CHECK (messages >= 0),
            unseen INTEGER NOT NULL CHECK (unseen BETWEEN 0 AND messages),
            deleted INTEGER NOT NULL CHECK (deleted BETWEEN 0 AND messages),
            recent INTEGER NOT NULL CHECK (recent BETWEEN 0 AND messages),
            size INTEGER NOT NULL CHECK (size >= 0),
            UNIQUE (account, name),
            UNIQUE (account, uidvalidity)
        ) STRICT;
        CREATE INDEX mailbox_deleted ON mailbox (id) WHERE name IS NULL;

        CREATE TABLE subscription (
            account INTEGER NOT NULL REFERENCES account (id),
            name TEXT NOT NULL,
            PRIMARY KEY (account, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE keyword (
            mailbox INTEGER NOT NULL REFERENCES mailbox (id),
            bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 63),
            name TEXT NOT NULL COLLATE NOCASE,
            PRIMARY KEY (mailbox, bit),
            UNIQUE (mailbox, name)
        ) STRICT, WITHOUT ROWID;

        -- What never changes about a message. zone is minutes east of UTC.
        CREATE TABLE message (
            mailbox INTEGER NOT NULL REFERENCES mailbox (id),
            uid INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967294),
            blob INTEGER NOT NULL,
            size INTEGER NOT NULL,
            internaldate INTEGER NOT NULL,
            zone INTEGER NOT NULL,
            savedate INTEGER NOT NULL,
            created_modseq INTEGER NOT NULL,
            PRIMARY KEY (mailbox, uid)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX message_blob ON message (blob);

        -- What changes about up to 256 messages: those with uid >> 8 = number. See PageCoding.swift.
        CREATE TABLE page (
            mailbox INTEGER NOT NULL REFERENCES mailbox (id),
            number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 16777215),
            highest_modseq INTEGER NOT NULL,
            packed BLOB NOT NULL,
            PRIMARY KEY (mailbox, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX page_modseq ON page (mailbox, highest_modseq);

        -- Messages that were expunged, as ranges of UIDs.
        CREATE TABLE gone (
            mailbox INTEGER NOT NULL REFERENCES mailbox (id),
            modseq INTEGER NOT NULL,
            first INTEGER NOT NULL CHECK (first >= 1),
            last INTEGER NOT NULL CHECK (last >= first),
            PRIMARY KEY (mailbox, modseq, first)
        ) STRICT, WITHOUT ROWID;

        -- Octets, shared by all messages and queue entries that have the same. sha256 is NULL until they have all
        -- arrived, and again once erasing has begun. erase_after: when a blob that nothing refers to may go.
        CREATE TABLE blob (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sha256 BLOB UNIQUE CHECK (length(sha256) = 32),
            size INTEGER NOT NULL CHECK (size >= 0),
            refs INTEGER NOT NULL CHECK (refs >= 0),
            erase_after INTEGER,
            CHECK ((refs = 0) = (erase_after IS NOT NULL))
        ) STRICT;
        CREATE INDEX blob_unreferenced ON blob (erase_after) WHERE erase_after IS NOT NULL;

        -- 256 KiB of a blob each, the last one less; id = blob << 16 | number.
        CREATE TABLE chunk (
            id INTEGER PRIMARY KEY,
            octets BLOB NOT NULL
        ) STRICT;

        CREATE TABLE blob_summary (
            blob INTEGER PRIMARY KEY,
            summary BLOB NOT NULL
        ) STRICT;

        -- Which texts blobs have: the words of SearchTokens.swift for the blob that is its rowid.
        CREATE VIRTUAL TABLE search_text USING fts5 (
            words, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
        );

        -- One row: search_text has every blob up to indexed_to but those in search_exception.
        CREATE TABLE search_progress (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            version INTEGER NOT NULL,
            indexed_to INTEGER NOT NULL CHECK (indexed_to >= 0)
        ) STRICT;
        INSERT INTO search_progress (id, version, indexed_to) VALUES (1, 0, 0);

        -- is_scanned: it never will be in search_text, for it is too long or cannot be read.
        CREATE TABLE search_exception (
            blob INTEGER PRIMARY KEY,
            is_scanned INTEGER NOT NULL CHECK (is_scanned IN (0, 1))
        ) STRICT;

        -- next_attempt is that of the recipient due first; NULL while on hold.
        CREATE TABLE queue (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            blob INTEGER NOT NULL,
            size INTEGER NOT NULL,
            relay_from INTEGER NOT NULL CHECK (relay_from BETWEEN 0 AND size),
            reverse_path TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            envelope_id TEXT,
            returns_full INTEGER CHECK (returns_full IN (0, 1)),
            is_eight_bit INTEGER NOT NULL CHECK (is_eight_bit IN (0, 1)),
            is_internationalized INTEGER NOT NULL CHECK (is_internationalized IN (0, 1)),
            is_on_hold INTEGER NOT NULL CHECK (is_on_hold IN (0, 1)),
            next_attempt INTEGER,
            CHECK ((is_on_hold = 1) = (next_attempt IS NULL))
        ) STRICT;
        CREATE INDEX queue_next_attempt ON queue (next_attempt, id) WHERE next_attempt IS NOT NULL;

        CREATE TABLE queue_recipient (
            entry INTEGER NOT NULL REFERENCES queue (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            local_part TEXT NOT NULL,
            domain TEXT NOT NULL,
            notify INTEGER,
            original_recipient TEXT,
            attempts INTEGER NOT NULL CHECK (attempts >= 0),
            next_attempt INTEGER NOT NULL,
            last_reply TEXT,
            is_delay_reported INTEGER NOT NULL CHECK (is_delay_reported IN (0, 1)),
            PRIMARY KEY (entry, number)
        ) STRICT, WITHOUT ROWID;
        """
}
