// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What is counted for reports to other domains, and what other servers have reported of the domains here.
///
/// What is counted is kept by the day, in UTC, until its report has been sent. All methods throw ``StoreError``.
package protocol ReportLedger: MailQueue {
    // MARK: What is counted here

    /// Adds to what was counted.
    ///
    /// What has no room, because a domain has too many kinds or there are too many in all, is counted under
    /// ``ReportTally/rest``. What is a week older than the newest of these, nobody will report: it is forgotten.
    func add(_ counts: [ReportTally: Int]) async throws
    /// What was counted on days before that one, the earliest first; `subject`: only those behind it.
    func reportsDue(before day: Int, after subject: ReportSubject?, limit: Int) async throws -> [ReportSubject]
    /// All that was counted of it, in the order of the texts.
    func tallies(of subject: ReportSubject) async throws -> [(text: String, count: Int)]
    /// Forgets what was counted, and accepts the messages that tell of it, in one transaction: no report twice.
    ///
    /// - Parameters:
    ///   - subject: what was reported, or will never be.
    ///   - tallies: what the messages tell of; nil: whatever there is.
    ///   - messages: what goes out.
    /// - Returns: false, and nothing has happened, if more has been counted since.
    /// - Throws: ``StoreError/notFound(_:)`` if there is nothing (any more).
    @discardableResult
    func settle(
        _ subject: ReportSubject,
        _ tallies: [(text: String, count: Int)]?,
        sending messages: [Acceptance]
    ) async throws -> Bool

    // MARK: What others report

    /// Keeps reports, all from one reporter; returns those that were not known.
    ///
    /// For them others are forgotten: those of long ago, the same reporter's if it has many, and the oldest if there are too many.
    func add(_ reports: [ReceivedReport]) async throws -> [ReceivedReport]
    /// Those that are kept, the newest first, without their rows.
    func receivedReports(of domain: String?, limit: Int) async throws -> [ReceivedReport]
    /// One, with its rows.
    func receivedReport(_ id: Int64) async throws -> ReceivedReport?
}

package enum ReportKind: String, Hashable, Sendable, CaseIterable {
    /// About mail in a domain's name (RFC 7489).
    case aggregate = "dmarc"
    /// About TLS with a domain's hosts (RFC 8460).
    case tls
}

/// A domain on a day.
package struct ReportSubject: Hashable, Sendable {
    package var kind: ReportKind
    /// Days since 1970-01-01.
    package var day: Int
    /// In lower case.
    package var domain: String

    package init(_ kind: ReportKind, day: Int, domain: String) {
        self.kind = kind
        self.day = day
        self.domain = domain
    }
}

/// Things that were alike.
package struct ReportTally: Hashable, Sendable {
    package var subject: ReportSubject
    /// What they had in common: a line, as who writes the reports understands it.
    package var text: String
    /// The line that they are counted under where this one has no room; there are few of them.
    package var rest: String

    package init(_ subject: ReportSubject, text: String, rest: String = "") {
        self.subject = subject
        self.text = text
        self.rest = rest
    }
}

/// What another server has told of a domain here.
package struct ReceivedReport: Hashable, Sendable {
    /// One source of mail, or one kind of failure.
    package struct Row: Hashable, Sendable {
        package var source: String
        package var detail: String
        package var passed: Int
        package var failed: Int

        package init(source: String, detail: String, passed: Int, failed: Int) {
            self.source = source
            self.detail = detail
            self.passed = passed
            self.failed = failed
        }
    }

    /// Its number here; 0 before it has one.
    package var id: Int64 = 0
    package var kind: ReportKind
    /// The domain here that it is about.
    package var domain: String
    /// The domain that has sent it, which has been verified.
    package var reporter: String
    /// Who it says that it is from.
    package var organisation: String
    package var reportID: String
    package var begin: UnixTime
    package var end: UnixTime
    package var receivedAt: UnixTime
    /// Messages, or sessions.
    package var passed: Int
    package var failed: Int
    package var rows: [Row]

    package init(
        kind: ReportKind,
        domain: String,
        reporter: String,
        organisation: String,
        reportID: String,
        begin: UnixTime,
        end: UnixTime,
        receivedAt: UnixTime,
        passed: Int,
        failed: Int,
        rows: [Row]
    ) {
        self.kind = kind
        self.domain = domain
        self.reporter = reporter
        self.organisation = organisation
        self.reportID = reportID
        self.begin = begin
        self.end = end
        self.receivedAt = receivedAt
        self.passed = passed
        self.failed = failed
        self.rows = rows
    }
}
