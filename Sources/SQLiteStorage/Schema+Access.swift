// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Who may do what with whose mailboxes (RFC 4314).
    ///
    /// `user/` is the beginning of others' names from now on: mailboxes called so move.
    static let access = """
        -- Who may do what with a mailbox: account is 0 for anyone, rights are the letters of RFC 4314. An owner without a
        -- row has all rights.
        CREATE TABLE acl (
            mailbox INTEGER NOT NULL REFERENCES mailbox (id),
            account INTEGER NOT NULL,
            is_negative INTEGER NOT NULL CHECK (is_negative IN (0, 1)),
            rights TEXT NOT NULL CHECK (rights NOT GLOB '*[^lrswipkxtea]*'),
            PRIMARY KEY (mailbox, account, is_negative)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX acl_account ON acl (account);
        CREATE INDEX annotation_mailbox ON annotation (mailbox) WHERE mailbox <> 0;

        UPDATE OR IGNORE mailbox SET name = 'user-/' || substr(name, 6) WHERE name GLOB 'user/*';
        UPDATE OR IGNORE subscription SET name = 'user-/' || substr(name, 6) WHERE name GLOB 'user/*';
        """
}
