// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What each account uses and may use.
    static let quota = """
        -- What an account's mailboxes have together, and its limits: NULL is none.
        CREATE TABLE quota (
            account INTEGER PRIMARY KEY REFERENCES account (id),
            messages INTEGER NOT NULL CHECK (messages >= 0),
            size INTEGER NOT NULL CHECK (size >= 0),
            message_limit INTEGER CHECK (message_limit >= 0),
            size_limit INTEGER CHECK (size_limit >= 0)
        ) STRICT;

        INSERT INTO quota (account, messages, size)
        SELECT account.id, coalesce(sum(mailbox.messages), 0), coalesce(sum(mailbox.size), 0) FROM account
        LEFT JOIN mailbox ON mailbox.account = account.id AND mailbox.name IS NOT NULL
        WHERE account.domain IS NOT NULL GROUP BY account.id;
        """
}
