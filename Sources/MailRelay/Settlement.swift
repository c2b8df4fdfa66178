// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax

/// Writes down what an attempt found out about recipients of one message, with the report to the sender that is due.
///
/// Both in one transaction of the store: no failure without its report, no report twice.
struct Settlement: Sendable {
    let service: RelayService
    let entry: QueueEntry
    /// By the recipients' numbers.
    let verdicts: [Int: Verdict]
    /// The destination is not to be tried before; nil after an attempt.
    var notBefore: UnixTime?

    /// What becomes of one recipient.
    private struct Decision {
        let recipient: QueueEntry.Recipient
        let status: DeliveryStatus
        let result: DeliveryOutcome.Result
        let report: DeliveryReport.Action?
    }

    /// Does it, as often as it takes: a message that was delivered and not written down would be delivered again.
    ///
    /// Gives up only when cancelled.
    ///
    /// - Returns: when the first of the recipients that were deferred is due again.
    func run() async -> UnixTime? {
        let now = UnixTime(self.service.time.unixTime())
        let decisions = self.entry.recipients.compactMap { recipient in
            self.verdicts[recipient.number].map { self.decision(recipient, $0, now) }
        }
        guard !decisions.isEmpty else { return nil }
        let outcomes = decisions.map {
            DeliveryOutcome(
                recipient: $0.recipient.number,
                result: $0.result,
                reply: $0.status.description,
                tls: $0.status.tls,
                isAttempt: self.notBefore == nil
            )
        }
        guard await self.record(outcomes, decisions, now) else { return nil }
        for decision in decisions { self.log(decision) }
        return decisions.compactMap { decision in
            if case .deferred(let time, _) = decision.result { time } else { nil }
        }.min()
    }

    // MARK: Deciding

    private func decision(_ recipient: QueueEntry.Recipient, _ verdict: Verdict, _ now: UnixTime) -> Decision {
        switch verdict {
        case .delivered(let status, let knowsDSN):
            let isReported = !knowsDSN && BounceReport.wantsRelayed(recipient)
            return Decision(
                recipient: recipient,
                status: status,
                result: .delivered,
                report: isReported ? .relayed : nil
            )
        case .deliveredHere(let accounts):
            return Decision(
                recipient: recipient,
                status: verdict.status,
                result: .deliveredHere(accounts),
                report: BounceReport.wantsRelayed(recipient) ? .delivered : nil
            )
        case .failed(let status):
            return self.failure(recipient, status)
        case .deferred(let status):
            return self.deferral(recipient, status, now)
        }
    }

    private func failure(_ recipient: QueueEntry.Recipient, _ status: DeliveryStatus) -> Decision {
        Decision(
            recipient: recipient,
            status: status,
            result: .failed,
            report: BounceReport.wantsFailure(recipient) ? .failed : nil
        )
    }

    private func deferral(
        _ recipient: QueueEntry.Recipient,
        _ status: DeliveryStatus,
        _ now: UnixTime
    ) -> Decision {
        let options = self.service.options
        let expiry = self.entry.expiry(options)
        guard now < expiry else {
            return self.failure(
                recipient,
                status.concluding(EnhancedStatusCode(4, 4, 7), "given up after many attempts; the last")
            )
        }
        var random = RandomSource(octets: self.service.random)
        var next = options.schedule.nextAttempt(afterAttempts: recipient.attempts + 1, at: now, using: &random)
        if let notBefore = self.notBefore, notBefore > next { next = notBefore }
        let isLate = now >= self.entry.begin.advanced(by: options.delayReportAfter.components.seconds)
        let isReported =
            isLate && !recipient.isDelayReported && !self.entry.reversePath.isEmpty
            && BounceReport.wantsDelay(recipient)
        return Decision(
            recipient: recipient,
            status: status,
            // The last attempt is made when the time is up.
            result: .deferred(until: min(next, expiry), isDelayReported: recipient.isDelayReported || isReported),
            report: isReported ? .delayed : nil
        )
    }

    // MARK: Writing down

    /// False if that was not possible or not necessary any more.
    private func record(_ outcomes: [DeliveryOutcome], _ decisions: [Decision], _ now: UnixTime) async -> Bool {
        var pause: Duration = .seconds(1)
        var isReporting = true
        while true {
            do {
                let report = isReporting ? try await self.report(decisions, now) : nil
                do {
                    try await self.service.queue.record(outcomes, of: self.entry.id, report: report)
                } catch StoreError.notFound where report != nil {
                    // Either the entry has been removed, or the account that was to get the report.
                    self.logError("Report cannot be delivered")
                    isReporting = false
                    continue
                }
                if report != nil { Metrics.countReport() }
                return true
            } catch StoreError.notFound {
                return false
            } catch is CancellationError {
                self.logError("Outcome of an attempt is lost")
                return false
            } catch {
                self.logError("Outcome of an attempt cannot be written down", error)
                do {
                    try await self.service.time.sleep(self.service.time.now() + pause)
                } catch {
                    return false
                }
                pause = min(pause * 2, .seconds(60))
            }
        }
    }

    /// The report as the queue is to accept it; nil if nobody is to be told.
    private func report(_ decisions: [Decision], _ now: UnixTime) async throws -> Acceptance? {
        let items = decisions.compactMap { decision in
            decision.report.map {
                BounceReport.Item(recipient: decision.recipient, action: $0, status: decision.status)
            }
        }
        guard !items.isEmpty else { return nil }
        // RFC 5321 §4.5.5: no report answers a report.
        guard let sender = try? EmailAddress(parsing: self.entry.reversePath) else {
            Logger.current.warning("Report is dropped: nobody to send it to", metadata: self.metadata)
            return nil
        }
        let route = try await self.service.route(sender.localPart, sender.domain)
        // Of the domains here ours may be none, and then has no postmaster.
        var domain = sender.domain
        if case .remote = route { domain = self.service.options.hostname }
        let report = BounceReport(
            entry: self.entry,
            items: items,
            options: self.service.options,
            now: now,
            domain: domain
        )
        // Nil if the store has lost the message, which its sender must hear of all the same.
        let original = try await report.original(from: self.service.queue)
        let acceptance = try await self.service.queue.stage(
            report: report.report(
                to: sender,
                hasOriginal: original != nil,
                random: RandomSource(octets: self.service.random)
            ),
            original: original ?? [],
            route: route,
            at: now,
            id: RandomSource(octets: self.service.random).hexadecimal(8),
            requiresTLS: self.entry.requiresTLS
        )
        if acceptance == nil {
            Logger.current.warning("Report is dropped: the sender is unknown here", metadata: self.metadata)
        }
        return acceptance
    }

    // MARK: Saying so

    private var metadata: Logger.Metadata { ["queue_id": "\(self.entry.id.rawValue)"] }

    private func logError(_ message: Logger.Message, _ error: (any Error)? = nil) {
        var metadata = self.metadata
        if let error { metadata["error"] = "\(error)" }
        Logger.current.error(message, metadata: metadata)
    }

    private func log(_ decision: Decision) {
        var metadata = self.metadata
        let recipient = decision.recipient.recipient
        metadata["recipient"] = "\(recipient.localPart)@\(recipient.domain)"
        metadata["reply"] = "\(decision.status.description)"
        switch decision.result {
        case .delivered, .deliveredHere: Logger.current.info("Recipient delivered", metadata: metadata)
        case .failed: Logger.current.info("Recipient failed", metadata: metadata)
        // Nobody was asked: there may be thousands, and the dispatcher has said so once for all.
        case .deferred where self.notBefore != nil: Logger.current.debug("Recipient deferred", metadata: metadata)
        case .deferred: Logger.current.info("Recipient deferred", metadata: metadata)
        }
        Metrics.count(decision.result)
    }
}
