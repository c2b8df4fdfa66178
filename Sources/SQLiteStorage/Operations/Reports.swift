// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// How much is kept for reports: whoever can make us count must not be able to fill the disk.
private enum ReportLimits {
    /// Rows of one domain on a day, and of all on all days.
    static let rowsPerDomain = 1000
    static let rows = 100_000
    /// Days after which what nobody has reported is forgotten, and how many rows of that at once.
    static let days = 7
    static let forgottenRows = 1000
    /// Received reports, those of one reporter, how long they are kept in seconds, and rows of one.
    static let received = 10_000
    static let perReporter = 200
    static let lifetime: Int64 = 400 * 86_400
    static let receivedRows = 100
}

extension SQL {
    func reportsDue(before day: Int, after subject: ReportSubject?, limit: Int) throws -> [ReportSubject] {
        try self.all(
            """
            SELECT DISTINCT kind, day, domain FROM report_tally WHERE day < ? AND (day, kind, domain) > (?, ?, ?)
            ORDER BY day, kind, domain LIMIT ?
            """,
            .int(day),
            .int(subject?.day ?? .min),
            .text(subject?.kind.rawValue ?? ""),
            .text(subject?.domain ?? ""),
            .int(limit)
        ) { row in
            guard let kind = ReportKind(rawValue: row.text(0)) else { throw StoreError.corrupt("expected a kind") }
            return ReportSubject(kind, day: row.int(1), domain: row.text(2))
        }
    }

    func tallies(of subject: ReportSubject) throws -> [(text: String, count: Int)] {
        try self.all(
            "SELECT detail, count FROM report_tally WHERE kind = ? AND day = ? AND domain = ? ORDER BY detail",
            .text(subject.kind.rawValue),
            .int(subject.day),
            .text(subject.domain)
        ) { (text: $0.text(0), count: $0.int(1)) }
    }

    func receivedReports(of domain: String?, limit: Int) throws -> [ReceivedReport] {
        try self.all(
            "\(self.receivedReportColumns) WHERE domain = coalesce(?, domain) ORDER BY id DESC LIMIT ?",
            .optional(domain),
            .int(limit),
            read: self.receivedReport
        )
    }

    func receivedReport(_ id: Int64) throws -> ReceivedReport? {
        guard
            var report = try self.first(
                "\(self.receivedReportColumns) WHERE id = ?",
                .integer(id),
                read: self.receivedReport
            )
        else { return nil }
        report.rows = try self.all(
            "SELECT source, detail, passed, failed FROM received_report_row WHERE report = ? ORDER BY number",
            .integer(id)
        ) { ReceivedReport.Row(source: $0.text(0), detail: $0.text(1), passed: $0.int(2), failed: $0.int(3)) }
        return report
    }

    private var receivedReportColumns: String {
        """
        SELECT id, kind, domain, reporter, organisation, report_id, begins_at, ends_at, received_at, passed, failed
        FROM received_report
        """
    }

    private func receivedReport(_ row: SQLRow) throws -> ReceivedReport {
        guard let kind = ReportKind(rawValue: row.text(1)) else { throw StoreError.corrupt("expected a kind") }
        var report = ReceivedReport(
            kind: kind,
            domain: row.text(2),
            reporter: row.text(3),
            organisation: row.text(4),
            reportID: row.text(5),
            begin: UnixTime(row.int64(6)),
            end: UnixTime(row.int64(7)),
            receivedAt: UnixTime(row.int64(8)),
            passed: row.int(9),
            failed: row.int(10),
            rows: []
        )
        report.id = row.int64(0)
        return report
    }
}

extension Transaction {
    /// Adds to what was counted.
    ///
    /// What has no room goes into the domain's rows for that; where even domains have none, it is dropped.
    func add(_ counts: some Collection<(key: ReportTally, value: Int)>) throws {
        try self.forgetTallies(before: (counts.map(\.key.subject.day).max() ?? 0) - ReportLimits.days)
        var rows = Int(try self.sql.number("SELECT count(*) FROM report_tally"))
        var rowsOfSubject: [ReportSubject: Int] = [:]
        for (tally, count) in counts where count > 0 {
            if try self.increase(tally, by: count) { continue }
            let subject = tally.subject
            let known: Int
            if let counted = rowsOfSubject[subject] {
                known = counted
            } else {
                known = Int(
                    try self.sql.number(
                        "SELECT count(*) FROM report_tally WHERE kind = ? AND day = ? AND domain = ?",
                        .text(subject.kind.rawValue),
                        .int(subject.day),
                        .text(subject.domain)
                    )
                )
            }
            rowsOfSubject[subject] = known
            let hasRoom = rows < ReportLimits.rows && known < ReportLimits.rowsPerDomain
            let kept = hasRoom ? tally : ReportTally(subject, text: tally.rest)
            if !hasRoom {
                if try self.increase(kept, by: count) { continue }
                // A few more for each domain that has rows.
                guard known > 0 else { continue }
            }
            try self.sql.run(
                "INSERT INTO report_tally (kind, day, domain, detail, count) VALUES (?, ?, ?, ?, ?)",
                .text(subject.kind.rawValue),
                .int(subject.day),
                .text(subject.domain),
                .text(kept.text),
                .int(count)
            )
            rows += 1
            rowsOfSubject[subject] = known + 1
        }
    }

    /// False if there is no row for it.
    private func increase(_ tally: ReportTally, by count: Int) throws -> Bool {
        try self.sql.run(
            "UPDATE report_tally SET count = count + ? WHERE kind = ? AND day = ? AND domain = ? AND detail = ?",
            .int(count),
            .text(tally.subject.kind.rawValue),
            .int(tally.subject.day),
            .text(tally.subject.domain),
            .text(tally.text)
        )
        return self.sql.changes > 0
    }

    private func forgetTallies(before day: Int) throws {
        try self.sql.run(
            "DELETE FROM report_tally WHERE rowid IN (SELECT rowid FROM report_tally WHERE day < ? LIMIT ?)",
            .int(day),
            .int(ReportLimits.forgottenRows)
        )
    }

    /// False if that is not what there is.
    func settle(_ subject: ReportSubject, _ tallies: [(text: String, count: Int)]?) throws -> Bool {
        if let tallies {
            let current = try self.sql.tallies(of: subject)
            let isSame = current.count == tallies.count && zip(current, tallies).allSatisfy { $0 == $1 }
            guard isSame || current.isEmpty else { return false }
        }
        try self.sql.run(
            "DELETE FROM report_tally WHERE kind = ? AND day = ? AND domain = ?",
            .text(subject.kind.rawValue),
            .int(subject.day),
            .text(subject.domain)
        )
        guard self.sql.changes > 0 else { throw StoreError.notFound("what was counted for \(subject.domain)") }
        return true
    }

    /// Keeps reports of one reporter, and no more or older ones than there is room for.
    func add(_ reports: [ReceivedReport]) throws -> [ReceivedReport] {
        let added = try reports.filter(self.insert)
        guard let reporter = added.first?.reporter else { return [] }
        try self.sql.run(
            "DELETE FROM received_report WHERE received_at < ?",
            .int(self.now.rawValue - ReportLimits.lifetime)
        )
        // Whoever sends many drives out its own.
        try self.sql.run(
            """
            DELETE FROM received_report WHERE reporter = ?1 AND id <= (
                SELECT id FROM received_report WHERE reporter = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2
            )
            """,
            .text(reporter),
            .int(ReportLimits.perReporter)
        )
        try self.sql.run(
            "DELETE FROM received_report WHERE id <= (SELECT id FROM received_report ORDER BY id DESC LIMIT 1 OFFSET ?)",
            .int(ReportLimits.received)
        )
        return added
    }

    /// False if it is known.
    private func insert(_ report: ReceivedReport) throws -> Bool {
        try self.sql.run(
            """
            INSERT OR IGNORE INTO received_report
            (kind, domain, reporter, organisation, report_id, begins_at, ends_at, received_at, passed, failed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(report.kind.rawValue),
            .text(report.domain),
            .text(report.reporter),
            .text(report.organisation),
            .text(report.reportID),
            .int(report.begin.rawValue),
            .int(report.end.rawValue),
            .int(report.receivedAt.rawValue),
            .int(report.passed),
            .int(report.failed)
        )
        guard self.sql.changes > 0 else { return false }
        let id = self.sql.lastInsertedRow
        for (number, row) in report.rows.prefix(ReportLimits.receivedRows).enumerated() {
            try self.sql.run(
                "INSERT INTO received_report_row (report, number, source, detail, passed, failed) VALUES (?, ?, ?, ?, ?, ?)",
                .integer(id),
                .int(number),
                .text(row.source),
                .text(row.detail),
                .int(row.passed),
                .int(row.failed)
            )
        }
        return true
    }
}
