// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// From where people log in.
    static let visits = """
        -- network: four octets of an IPv4 address, or the first eight of an IPv6 address.
        CREATE TABLE visit (
            network BLOB PRIMARY KEY,
            latest INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX visit_latest ON visit (latest);
        """
}
