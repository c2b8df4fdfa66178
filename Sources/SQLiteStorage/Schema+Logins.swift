// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Tokens that stand for a password, and how much the answers take that are kept.
    static let logins = """
        ALTER TABLE access_token ADD COLUMN is_login INTEGER NOT NULL DEFAULT 0 CHECK (is_login IN (0, 1));
        ALTER TABLE request ADD COLUMN answered_before INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX request_answered_before ON request (account, answered_before);
        """
}
