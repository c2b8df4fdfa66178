// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What greylisting remembers.
    static let greylist = """
        -- Attempts to bring a message, and networks whose messages need not wait; id is a hash.
        CREATE TABLE greylist (
            id INTEGER PRIMARY KEY,
            since INTEGER NOT NULL,
            is_known INTEGER NOT NULL CHECK (is_known IN (0, 1))
        ) STRICT;
        """
}
