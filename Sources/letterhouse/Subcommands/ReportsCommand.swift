// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailMessage
import MailStorage
import SQLiteStorage

/// `letterhouse reports`: what other servers have seen of the domains here.
struct ReportsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reports",
        abstract: "See what other servers report of the domains here (DMARC and TLS).",
        subcommands: [List.self, Show.self, Send.self],
        defaultSubcommand: List.self
    )

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the reports that have come, the newest first.")

        @Option(help: "Only those about this domain.") var domain: String?
        @Option(help: "At most so many.") var limit = 100
        @OptionGroup var common: StoreArguments

        func validate() throws {
            guard (1...10_000).contains(self.limit) else {
                throw ValidationError("--limit is a number from 1 to 10000.")
            }
        }

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try self.domain.map(DomainArgument.checked)
            let reports = try await store.receivedReports(of: domain, limit: self.limit)
            try console.list(reports.map(ReportRow.init), none: "No reports have come.")
        }
    }

    struct Show: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one report: the sources of mail, or the kinds of failures."
        )

        @Argument(help: "Its number, as `reports list` shows it.") var id: Int64
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            guard let report = try await store.receivedReport(self.id) else {
                throw OperatorError("there is no report \(self.id) (any more); see: letterhouse reports list", .data)
            }
            let details = ReportDetails(report)
            try console.write(details) { details.text }
        }
    }

    struct Send: ServerCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send what has been counted for other domains now, without waiting for the day to end."
        )

        @OptionGroup var common: StoreArguments

        func run(in server: RunningServer, console: Console) async throws {
            guard let send = server.sendReports else {
                throw OperatorError("the settings say that no reports are sent (reports.dmarc, reports.tls)", .settings)
            }
            let count = try await send()
            try console.report(count == 1 ? "1 report is sent." : "\(count) reports are sent.", ["sent": count])
        }
    }
}

/// A received report on a line.
private struct ReportRow: ConsoleRow {
    static let header = ["ID", "KIND", "DOMAIN", "REPORTER", "FROM", "TO", "PASSED", "FAILED"]
    var id: Int64
    var kind: String
    var domain: String
    var reporter: String
    var begin: String
    var end: String
    var passed: Int
    var failed: Int

    init(_ report: ReceivedReport) {
        self.id = report.id
        self.kind = report.kind.rawValue
        self.domain = report.domain
        self.reporter = report.reporter
        self.begin = report.begin.timestamp
        self.end = report.end.timestamp
        self.passed = report.passed
        self.failed = report.failed
    }

    var cells: [String] {
        [
            "\(self.id)", self.kind, self.domain, self.reporter, self.begin, self.end, "\(self.passed)",
            "\(self.failed)",
        ]
    }
}

/// A received report with its rows.
private struct ReportDetails: Encodable {
    struct Row: ConsoleRow {
        static let header = ["PASSED", "FAILED", "SOURCE", "DETAIL"]
        var source: String
        var detail: String
        var passed: Int
        var failed: Int

        var cells: [String] { ["\(self.passed)", "\(self.failed)", self.source, self.detail] }
    }

    var report: ReportRow
    var organisation: String
    var reportID: String
    var rows: [Row]

    init(_ report: ReceivedReport) {
        self.report = ReportRow(report)
        self.organisation = report.organisation
        self.reportID = report.reportID
        self.rows = report.rows.map {
            Row(source: $0.source, detail: $0.detail, passed: $0.passed, failed: $0.failed)
        }
    }

    var text: String {
        let report = self.report
        let what = report.kind == ReportKind.tls.rawValue ? "TLS with the hosts of" : "mail in the name of"
        return """
            \(report.reporter.printable) (\(self.organisation.printable)) about \(what) \(report.domain.printable)
            from \(report.begin) to \(report.end): \(report.passed) passed, \(report.failed) failed; \
            report \(self.reportID.printable)

            \(TextTable(header: Row.header, rows: self.rows.map(\.cells)).text)
            """
    }
}
