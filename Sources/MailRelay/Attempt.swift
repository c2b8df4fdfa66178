// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPSyntax

/// One attempt to relay one message to one destination: asks host after host until each recipient has a verdict.
///
/// It writes nothing down. Who got the message is handed over at once, before anything else is said to the host, so that
/// it is not sent again (RFC 1047). What did not work is handed over all at the end, so that its sender gets one report.
struct Attempt: Sendable {
    /// What was learned about the destination.
    enum Outcome: Sendable, Hashable {
        /// Somebody there talked to us.
        case reached
        /// Nobody did.
        case unreachable(DeliveryStatus)
        /// Nothing: it was not tried, or the reason lies with us.
        case undecided
        /// Nothing, on a connection that others had used: recipients are left, and are to be tried on one of its own.
        case again
    }

    let service: RelayService
    let consignment: Consignment
    /// Whom the attempt answers to.
    let desk: Desk

    /// What has come out so far, and was not handed over.
    struct Findings {
        /// The message, once it has been read.
        var entry: QueueEntry?
        /// By the recipients' numbers; nobody's that got the message.
        var verdicts: [Int: Verdict] = [:]
        /// Somebody at the destination has dealt with this very message: what went wrong then says nothing of others.
        var isHeard = false
        /// The dispatcher has been told that this is the end.
        var isOver = false

        mutating func add(_ recipients: some Sequence<Int>, _ verdict: Verdict) {
            for number in recipients { self.verdicts[number] = verdict }
        }
    }

    /// Does it, and says so once.
    ///
    /// When the task is cancelled, recipients without a verdict stay as they were.
    func run() async {
        var findings = Findings()
        await self.ending(&findings) { findings in
            guard let plan = try await self.plan(&findings) else { return .undecided }
            let route: Route
            do throws(RouteFailure) {
                var random = RandomSource(octets: self.service.random)
                let router = Router(resolver: self.service.resolver, options: self.service.options)
                route = try await router.route(to: self.consignment.destination, using: &random)
            } catch {
                try Task.checkCancellation()
                findings.add(plan.recipients.map(\.number), error.verdict)
                guard case .temporary(let status) = error else { return .undecided }
                return .unreachable(status)
            }
            return try await self.deliver(plan, along: route, &findings)
        }
    }

    /// Tells what came out, also of what was cut off, unless that has been done.
    func ending(
        _ findings: inout Findings,
        _ body: (inout Findings) async throws -> Outcome
    ) async {
        Metrics.attemptBegan()
        do {
            let outcome = try await body(&findings)
            self.end(outcome, &findings)
        } catch {
            // Cut off, or the store has trouble: the message stays as it was.
            findings.verdicts = [:]
            if !Task.isCancelled { self.desk.post(.trouble) }
            self.end(.undecided, &findings)
        }
    }

    /// The end, in which what was found is handed over; later calls do nothing.
    ///
    /// `waiting`: reaches the connection if it is ready for another message. That is told together with the end, so that the
    /// dispatcher does not have another connection made in between.
    func end(_ outcome: Outcome, _ findings: inout Findings, waiting: (@Sendable (ClientNote) -> Void)? = nil) {
        guard !findings.isOver else { return }
        findings.isOver = true
        Metrics.attemptEnded()
        if let entry = findings.entry { self.desk.settle(self.consignment, entry, findings.verdicts) }
        self.desk.post(.ended(self.desk.number, self.consignment, outcome, waiting: waiting))
    }

    // MARK: Host after host

    private func deliver(_ plan: Plan, along route: Route, _ findings: inout Findings) async throws -> Outcome {
        var plan = plan
        var finder = SecurityFinder(
            self.service,
            plan.entry,
            to: self.consignment.destination,
            along: route,
            header: plan.header
        )
        var last = SessionFailure.connection("no host was asked")
        // Who cannot be asked now may be of another opinion.
        var isRefusedByAll = route.isComplete
        let end = self.service.time.now() + self.service.options.timeouts.dialogue
        for (position, hop) in route.hops.enumerated() {
            // RFC 5321 §5.1: at least two.
            guard position < 2 || self.service.time.now() < end else {
                isRefusedByAll = false
                break
            }
            guard let failure = try await self.deliver(&plan, to: hop, &finder, &findings) else { return .reached }
            last = SessionFailure(cause: failure.cause, status: failure.status.at(hop.description))
            // What a smarthost minds are our settings; but that it has no TLS to promise is its own word.
            let isFinal = failure.isPermanent && (!self.hasSmarthost || failure.cause == .noTLS)
            isRefusedByAll = isRefusedByAll && isFinal
            if failure.cause == .local { break }
        }
        findings.add(plan.recipients.map(\.number), isRefusedByAll ? .failed(last.status) : .deferred(last.status))
        // What this message demands of TLS, or the domain of it, says nothing of mail that goes without; what a smarthost has, has
        // all mail that goes there.
        if last.cause == .local || last.isAboutTLS && (!self.hasSmarthost || plan.entry.isStrict) { return .undecided }
        return findings.isHeard || isRefusedByAll ? .reached : .unreachable(last.status)
    }

    /// Asks one host, again and again as long as that helps.
    ///
    /// - Returns: why recipients are left, nil if none is.
    private func deliver(
        _ plan: inout Plan,
        to hop: Route.Hop,
        _ finder: inout SecurityFinder,
        _ findings: inout Findings
    ) async throws -> SessionFailure? {
        let security: HostSecurity
        do throws(SessionFailure) {
            security = try await finder.security(of: hop)
        } catch {
            try Task.checkCancellation()
            return error
        }
        var ways = security.ways[...]
        while let way = ways.first {
            let before = plan.recipients.count
            let isCommon = security.ways.count - ways.count < security.commonWays
            let failure = try await self.converse(&plan, hop, way, security.policy, isCommon: isCommon, &findings)
            guard !plan.recipients.isEmpty else { return nil }
            if plan.recipients.count < before { continue }
            let reason = failure ?? .outOfStep("the host takes no transaction")
            ways = ways.dropFirst()
            if !reason.isAboutTLS || ways.isEmpty { return plan.entry.isStrict ? reason.requiringTLS : reason }
        }
        return nil
    }

    private var hasSmarthost: Bool { self.smarthost != nil }

    var smarthost: Smarthost? {
        if case .smarthost(let number) = self.consignment.destination {
            self.service.options.smarthost(number)
        } else {
            nil
        }
    }
}
