// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What senders ask of the relay (RFC 8689, RFC 4865).
    static let release = """
        -- requires_tls: never without TLS. released_at: when the sender wants it to go out; such an entry may have
        -- recipients here.
        ALTER TABLE queue ADD COLUMN requires_tls INTEGER NOT NULL DEFAULT 0 CHECK (requires_tls IN (0, 1));
        ALTER TABLE queue ADD COLUMN released_at INTEGER;
        """
}
