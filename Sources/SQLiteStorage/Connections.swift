// SPDX-License-Identifier: Apache-2.0

import GRDB
import MailStorage

/// How connections to the file are set up.
///
/// One connection writes and checkpoints. The others are opened for reading only, so that none of them can ever
/// checkpoint, not even by being closed last: SQLite before 3.51.3 can corrupt a file that one connection writes while
/// another checkpoints (the WAL-reset bug).
enum Connections {
    /// Fits a page of a mailbox (``PageCoding``) without overflow, and two small messages.
    private static let pageSize = 8192
    /// 16 MiB: an import does not outrun the checkpoints, and one commit's checkpoint stays short.
    private static let checkpointPages = 2048

    /// Looks at the file without writing to it.
    ///
    /// Throws ``StoreError``.
    static func check(path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "store.check"
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.read { try Schema.check(SQL($0)) }
    }

    static func open(path: String, options: StoreOptions) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "store"
        configuration.maximumReaderCount = options.readers
        configuration.persistentReadOnlyConnections = true
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        // The writer asks SQLite itself whether a transaction is open; GRDB's check would stop the process.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            let sql = SQL(database)
            try sql.script("PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF")
            if database.configuration.readonly {
                try sql.script("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8192")
            } else {
                // Debian's SQLite would overwrite all deleted octets with zeros, by way of the log: erasing a large
                // message would cost as much as storing it. FAST does so where it costs nothing more.
                try sql.script(
                    """
                    PRAGMA page_size = \(Self.pageSize); PRAGMA secure_delete = FAST; PRAGMA cache_size = -32768;
                    PRAGMA wal_autocheckpoint = \(Self.checkpointPages); PRAGMA journal_size_limit = 67108864
                    """
                )
            }
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            let sql = SQL(database)
            // Only now: GRDB sets NORMAL, with which the last commits may be lost when the power fails.
            try sql.run("PRAGMA synchronous = FULL")
            if let limit = options.sizeLimit {
                try sql.script("PRAGMA max_page_count = \(max(limit / Int64(Self.pageSize), 1))")
            }
        }
        return pool
    }
}
