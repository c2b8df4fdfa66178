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
    /// How many domains one report may be about: those of whoever has us count its sessions are few.
    private static let domainLimit = 10

    /// A message that may hold a report.
    struct Arrival: Sendable {
        var attachment: ReportAttachment
        var content: StagedMessage.Content
        var reporter: DomainName
        /// A signature says so, and not only the address that it came from.
        var isSigned: Bool
        /// Only a key says so that is for reports about TLS.
        var isOnlyForTLS = false
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
        let (author, signer) = (Self.author(verdict), Self.reportSigner(verdict))
        guard let attachment = ReportAttachment(message.summary), let reporter = author ?? signer else { return }
        self.arrivals.post.yield(
            Arrival(
                attachment: attachment,
                content: message.content,
                reporter: reporter,
                isSigned: verdict.dmarc.passesDKIM || verdict.dmarc.result == .none || signer != nil,
                isOnlyForTLS: author == nil
            )
        )
    }

    /// The author's domain, if a key of its own for reports about TLS says that it is that (RFC 8460 §3).
    static func reportSigner(_ verdict: AuthenticationVerdict) -> DomainName? {
        guard let author = verdict.dmarc.domain else { return nil }
        return verdict.dkim.contains { $0.signsReports && $0.domain.map(author.isWithin) == true } ? author : nil
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
        let isOfTLS = if case .tls = content { true } else { false }
        // RFC 8460 §3: a report about TLS must be signed by the domain that it comes from.
        guard isOfTLS ? arrival.isSigned : !arrival.isOnlyForTLS else {
            Logger.current.notice("Report is not signed", metadata: ["peer": "\(arrival.reporter)"])
            return
        }
        let domains = try await self.domains().compactMap { DomainName($0) }
        // Who tells of other people's domains is not listened to.
        let reports = content.received(from: arrival.reporter.text, at: UnixTime(self.time.unixTime())).filter {
            report in
            DomainName(report.domain).map { domains.contains(where: $0.isWithin) } ?? false
        }
        guard !reports.isEmpty else {
            Logger.current.notice("Report is about no domain here", metadata: ["peer": "\(arrival.reporter)"])
            return
        }
        for report in try await self.ledger.add(Array(reports.prefix(Self.domainLimit))) {
            Metrics.countReceived(report.kind)
            Logger.current.info(
                "Report received",
                metadata: [
                    "peer": "\(arrival.reporter)", "recipient": "\(report.domain)", "reply": "\(report.failed) failed",
                ]
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
                let piece = try await self.ledger.octets(of: blob, in: start..<range.upperBound)
                guard !piece.isEmpty else { throw StoreError.notFound("the rest of the message") }
                octets += piece
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
            let source = record.source.short
            let detail = "\(record.author), \(record.disposition)".short
            let key = "\(source) \(detail)"
            var row = rows[key] ?? ReceivedReport.Row(source: source, detail: detail, passed: 0, failed: 0)
            if record.passes { row.passed += record.count } else { row.failed += record.count }
            rows[key] = row
        }
        return ReceivedReport(
            kind: .aggregate,
            domain: DomainName(self.policy.domain)?.text ?? "",
            reporter: reporter,
            organisation: self.organisation.short,
            reportID: self.id.short,
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
        let domains = Dictionary(grouping: self.results) { DomainName($0.policy.domain)?.text ?? "" }
        return domains.sorted { $0.key < $1.key }.map { domain, results in
            ReceivedReport(
                kind: .tls,
                domain: domain,
                reporter: reporter,
                organisation: self.organisation.short,
                reportID: self.id.short,
                begin: UnixTime(self.begin),
                end: UnixTime(self.end),
                receivedAt: now,
                passed: results.reduce(0) { $0 + $1.successes },
                failed: results.reduce(0) { $0 + $1.failures },
                rows: results.flatMap(\.rows)
            )
        }
    }
}

extension TLSReport.Results {
    fileprivate var rows: [ReceivedReport.Row] {
        let type = self.policy.type
        var rows = [ReceivedReport.Row(source: "", detail: type.short, passed: self.successes, failed: 0)]
        for failure in self.details {
            let source = [failure.host, failure.address].compactMap(\.self).joined(separator: " ")
            let detail = [type, failure.type, failure.reason].compactMap(\.self).joined(separator: ", ")
            rows.append(.init(source: source.short, detail: detail.short, passed: 0, failed: failure.count))
        }
        return rows
    }
}

extension String {
    /// On one line, and no longer than a name of a host: what is kept of what a stranger says.
    fileprivate var short: String {
        var text = String.UnicodeScalarView()
        var room = 255
        for scalar in self.unicodeScalars {
            room -= UTF8.width(scalar)
            guard room >= 0 else { break }
            text.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(text)
    }
}
