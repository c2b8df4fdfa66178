// SPDX-License-Identifier: Apache-2.0

import DomainReports
import Logging
import MailConnection
import MailMessage
import MailStorage
import SenderAuthentication
import ServiceLifecycle

/// Reads reports about domains here that come as mail, and keeps what they say.
///
/// The message has been delivered before, as any other; that it is read as well, keeps nobody waiting. What waits to be read
/// is in memory: a message that comes right before the process ends is not read. Nothing but the verified name of who has sent
/// it is believed of a report: it is kept under that name.
package struct ReportReader: Service {
    /// How many wait; more are not read.
    private static let backlog = 64

    /// A message that may hold a report.
    struct Arrival: Sendable {
        var attachment: ReportAttachment
        var content: StagedMessage.Content
        var reporter: DomainName
    }

    private let ledger: any ReportLedger
    private let domains: @Sendable () async throws -> [String]
    private let time: TimeSource
    /// Runs what takes long on a thread for that.
    private let offload: @Sendable (@escaping @Sendable () throws -> ReportContent) async throws -> ReportContent
    private let arrivals: (stream: AsyncStream<Arrival>, post: AsyncStream<Arrival>.Continuation)

    package init(
        ledger: any ReportLedger,
        domains: @escaping @Sendable () async throws -> [String],
        time: TimeSource,
        offload: @escaping @Sendable (@escaping @Sendable () throws -> ReportContent) async throws -> ReportContent
    ) {
        self.ledger = ledger
        self.domains = domains
        self.time = time
        self.offload = offload
        let (stream, post) = AsyncStream.makeStream(of: Arrival.self, bufferingPolicy: .bufferingOldest(Self.backlog))
        self.arrivals = (stream, post)
    }

    /// Has a message read that was delivered here, if it may be a report and it is known who has sent it; returns at once.
    package func take(_ message: StagedMessage, _ verdict: AuthenticationVerdict) {
        guard let attachment = ReportAttachment(message.summary), let reporter = Self.author(verdict) else { return }
        self.arrivals.post.yield(Arrival(attachment: attachment, content: message.content, reporter: reporter))
    }

    /// The author's domain, if it is that: by DMARC, or where the domain has no record for it, by a signature of its own.
    static func author(_ verdict: AuthenticationVerdict) -> DomainName? {
        guard let author = verdict.dmarc.domain else { return nil }
        switch verdict.dmarc.result {
        case .pass: return author
        case .none:
            let isSigned = verdict.dkim.contains { outcome in
                outcome.result == .pass && outcome.domain.map(author.isWithin) == true
            }
            return isSigned ? author : nil
        case .fail, .temperror, .permerror: return nil
        }
    }

    /// Reads until the process is to stop; to be called once.
    package func run() async throws {
        let post = self.arrivals.post
        await cancelWhenGracefulShutdown {
            await withTaskCancellationHandler {
                for await arrival in self.arrivals.stream {
                    do {
                        try await self.read(arrival)
                    } catch is CancellationError {
                        return
                    } catch {
                        Logger.current.notice(
                            "Report cannot be read",
                            metadata: ["peer": "\(arrival.reporter)", "error": "\(error)"]
                        )
                    }
                }
            } onCancel: {
                post.finish()
            }
        }
    }

    private func read(_ arrival: Arrival) async throws {
        let encoded = try await self.octets(arrival)
        let encoding = arrival.attachment.encoding
        let content = try await self.offload {
            guard var decoder = TransferDecoder(encoding) else { throw ReportContent.Fault.unknown }
            var file: [UInt8] = []
            decoder.decode(encoded[...], into: &file)
            decoder.finish(into: &file)
            return try ReportContent(file: file)
        }
        let domains = try await self.domains().compactMap { DomainName($0) }
        let now = UnixTime(self.time.unixTime())
        for report in content.received(from: arrival.reporter.text, at: now) {
            // Who tells of other people's domains is not listened to.
            guard let domain = DomainName(report.domain), domains.contains(where: domain.isWithin) else {
                Logger.current.notice(
                    "Report is about no domain here",
                    metadata: ["peer": "\(arrival.reporter)"]
                )
                continue
            }
            guard try await self.ledger.add(report) else { continue }
            Metrics.countReceived(report.kind)
            Logger.current.info(
                "Report received",
                metadata: ["peer": "\(arrival.reporter)", "recipient": "\(domain)", "reply": "\(report.failed) failed"]
            )
        }
    }

    private func octets(_ arrival: Arrival) async throws -> [UInt8] {
        let range = arrival.attachment.range
        switch arrival.content {
        case .octets(let octets):
            let clamped = range.clamped(to: 0..<octets.count)
            return Array(octets[clamped])
        case .blob(let blob):
            var octets: [UInt8] = []
            while octets.count < range.count {
                let start = range.lowerBound + octets.count
                octets += try await self.ledger.octets(of: blob, in: start..<range.upperBound)
            }
            return octets
        }
    }
}

extension ReportContent {
    /// What is kept of a report; of one about TLS, one for each domain.
    func received(from reporter: String, at now: UnixTime) -> [ReceivedReport] {
        switch self {
        case .aggregate(let report): [report.received(from: reporter, at: now)]
        case .tls(let report): report.received(from: reporter, at: now)
        }
    }
}

extension AggregateReport {
    /// Rows by the source of mail, those with most failures first.
    fileprivate func received(from reporter: String, at now: UnixTime) -> ReceivedReport {
        var rows: [String: ReceivedReport.Row] = [:]
        for record in self.records {
            let detail = "\(record.author), \(record.disposition)"
            let key = "\(record.source) \(detail)"
            var row = rows[key] ?? ReceivedReport.Row(source: record.source, detail: detail, passed: 0, failed: 0)
            if record.passes { row.passed += record.count } else { row.failed += record.count }
            rows[key] = row
        }
        return ReceivedReport(
            kind: .aggregate,
            domain: self.policy.domain,
            reporter: reporter,
            organisation: self.organisation,
            reportID: self.id,
            begin: UnixTime(self.begin),
            end: UnixTime(self.end),
            receivedAt: now,
            passed: self.records.reduce(0) { $0 + ($1.passes ? $1.count : 0) },
            failed: self.records.reduce(0) { $0 + ($1.passes ? 0 : $1.count) },
            rows: rows.values.sorted { ($1.failed, $1.passed, $0.source) < ($0.failed, $0.passed, $1.source) }
        )
    }
}

extension TLSReport {
    /// Rows by the kind of failure.
    fileprivate func received(from reporter: String, at now: UnixTime) -> [ReceivedReport] {
        Dictionary(grouping: self.results) { $0.policy.domain }.sorted { $0.key < $1.key }.map { domain, results in
            ReceivedReport(
                kind: .tls,
                domain: domain,
                reporter: reporter,
                organisation: self.organisation,
                reportID: self.id,
                begin: UnixTime(self.begin),
                end: UnixTime(self.end),
                receivedAt: now,
                passed: results.reduce(0) { $0 + $1.successes },
                failed: results.reduce(0) { $0 + $1.failures },
                rows: results.flatMap { result in
                    [
                        ReceivedReport.Row(
                            source: "",
                            detail: result.policy.type,
                            passed: result.successes,
                            failed: 0
                        )
                    ]
                        + result.details.map { failure in
                            ReceivedReport.Row(
                                source: [failure.host, failure.address].compactMap(\.self).joined(separator: " "),
                                detail: ([result.policy.type, failure.type] + [failure.reason].compactMap(\.self))
                                    .joined(separator: ", "),
                                passed: 0,
                                failed: failure.count
                            )
                        }
                }
            )
        }
    }
}
