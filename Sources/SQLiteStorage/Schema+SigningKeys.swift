// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// With what the domains sign their mail.
    static let signingKeys = """
        -- Private keys: pem is PKCS #8. A domain signs with one of each algorithm at most.
        CREATE TABLE signing_key (
            domain TEXT NOT NULL REFERENCES domain (name) ON DELETE CASCADE,
            selector TEXT NOT NULL,
            algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
            pem BLOB NOT NULL,
            added_at INTEGER NOT NULL,
            is_signing INTEGER NOT NULL CHECK (is_signing IN (0, 1)),
            PRIMARY KEY (domain, selector)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX signing_key_in_use ON signing_key (domain, algorithm) WHERE is_signing = 1;
        """
}
