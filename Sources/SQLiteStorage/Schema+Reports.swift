// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Reports about domains: what they are made of, and what others have sent.
    static let reports = """
        -- Counted on a day (since 1970-01-01, UTC) for a report to a domain; gone when that is sent. detail: what the
        -- counted have in common; '': all mail that had no row of its own.
        CREATE TABLE report_tally (
            kind TEXT NOT NULL CHECK (kind IN ('dmarc', 'tls')),
            day INTEGER NOT NULL,
            domain TEXT NOT NULL,
            detail TEXT NOT NULL,
            count INTEGER NOT NULL CHECK (count > 0),
            PRIMARY KEY (kind, day, domain, detail)
        ) STRICT;
        -- Narrow: rows are counted by it, and the domains of a day found.
        CREATE INDEX report_tally_by_day ON report_tally (day, kind, domain);

        -- What others report of domains here: passed and failed are messages or sessions.
        CREATE TABLE received_report (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('dmarc', 'tls')),
            domain TEXT NOT NULL,
            reporter TEXT NOT NULL,
            organisation TEXT NOT NULL,
            report_id TEXT NOT NULL,
            begins_at INTEGER NOT NULL,
            ends_at INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            passed INTEGER NOT NULL CHECK (passed >= 0),
            failed INTEGER NOT NULL CHECK (failed >= 0),
            UNIQUE (kind, domain, reporter, report_id, begins_at)
        ) STRICT;
        CREATE INDEX received_report_by_reporter ON received_report (reporter, id);
        CREATE INDEX received_report_by_time ON received_report (received_at);
        CREATE TABLE received_report_row (
            report INTEGER NOT NULL REFERENCES received_report (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            source TEXT NOT NULL,
            detail TEXT NOT NULL,
            passed INTEGER NOT NULL CHECK (passed >= 0),
            failed INTEGER NOT NULL CHECK (failed >= 0),
            PRIMARY KEY (report, number)
        ) STRICT, WITHOUT ROWID;
        """
}
