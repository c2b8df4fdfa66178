// SPDX-License-Identifier: Apache-2.0

import Logging
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
    }

    let service: RelayService
    let entry: QueueEntry
    var recipients: [QueueEntry.Recipient]
    let destination: Destination
    /// Takes verdicts, by the recipients' numbers; called once for each recipient.
    let settle: @Sendable ([Int: Verdict]) -> Void

    /// Throws `CancellationError` only; recipients without a verdict then stay as they were.
    func run() async throws -> Outcome {
        Metrics.attemptBegan()
        defer { Metrics.attemptEnded() }
        var attempt = self
        if self.entry.releasedAt != nil {
            attempt.recipients = try await self.deliverHere()
            if attempt.recipients.isEmpty { return .undecided }
        }
        var findings = Findings()
        let outcome = try await attempt.run(&findings)
        if !findings.verdicts.isEmpty { self.settle(findings.verdicts) }
        return outcome
    }

    /// What has come out so far, and was not handed over.
    private struct Findings {
        /// By the recipients' numbers; nobody's that got the message.
        var verdicts: [Int: Verdict] = [:]
        /// Somebody at the destination has dealt with this very message: what went wrong then says nothing of others.
        var isHeard = false

        mutating func add(_ recipients: some Sequence<Int>, _ verdict: Verdict) {
            for number in recipients { self.verdicts[number] = verdict }
        }
    }

    private func run(_ findings: inout Findings) async throws -> Outcome {
        guard let plan = try await self.plan(&findings) else { return .undecided }
        let route: Route
        do throws(RouteFailure) {
            var random = RandomSource(octets: self.service.random)
            let router = Router(resolver: self.service.resolver, options: self.service.options)
            route = try await router.route(to: self.destination, using: &random)
        } catch {
            if Task.isCancelled { throw CancellationError() }
            findings.add(plan.recipients.map(\.number), error.verdict)
            guard case .temporary(let status) = error else { return .undecided }
            return .unreachable(status)
        }
        if self.isStrict, !route.isAuthentic {
            let failure = SessionFailure.requiresTLS("who the domain's mail hosts are cannot be verified")
            findings.add(plan.recipients.map(\.number), .failed(failure.status))
            return .undecided
        }
        return try await self.deliver(plan, along: route, &findings)
    }

    /// Delivers to those who have mailboxes here, of a message that was held (RFC 4865); returns the others.
    private func deliverHere() async throws -> [QueueEntry.Recipient] {
        var verdicts: [Int: Verdict] = [:]
        var others: [QueueEntry.Recipient] = []
        for recipient in self.recipients {
            let route: RecipientRoute
            do {
                route = try await self.service.route(recipient.recipient.localPart, recipient.recipient.domain)
            } catch {
                if Task.isCancelled { throw CancellationError() }
                verdicts[recipient.number] = .deferred(
                    SessionFailure.local("the recipient cannot be looked up now").status
                )
                continue
            }
            switch route {
            case .remote: others.append(recipient)
            // To others elsewhere the message goes by itself.
            case .local(let accounts, _) where !accounts.isEmpty: verdicts[recipient.number] = .deliveredHere(accounts)
            case .local, .unknownMailbox:
                verdicts[recipient.number] = .failed(
                    DeliveryStatus(EnhancedStatusCode(5, 1, 1), "the mailbox is not here any more")
                )
            }
        }
        if !verdicts.isEmpty { self.settle(verdicts) }
        return others
    }

    /// Whether the message must not go on without TLS; a report may (RFC 8689 §5).
    private var isStrict: Bool { self.entry.requiresTLS && !self.entry.reversePath.isEmpty }

    // MARK: What there is to do

    /// Everything about the message that does not depend on the host.
    private struct Plan {
        var transaction: ClientTransaction
        var recipients: [ClientTransaction.Recipient]
        let content: QueuedContent
        let login: ClientLogin?
    }

    /// Nil if all recipients have got their verdict already.
    private func plan(_ findings: inout Findings) async throws -> Plan? {
        let recipients = self.recipients.compactMap(ClientTransaction.Recipient.init)
        let known = Set(recipients.map(\.number))
        let impossible = self.recipients.map(\.number).filter { !known.contains($0) }
        findings.add(impossible, .failed(DeliveryStatus(EnhancedStatusCode(5, 1, 3), "the address is not valid")))
        guard !recipients.isEmpty else { return nil }
        guard let reversePath = Self.reversePath(self.entry.reversePath) else {
            findings.add(
                known,
                .failed(DeliveryStatus(EnhancedStatusCode(5, 1, 7), "the sender's address is not valid"))
            )
            return nil
        }
        let content = QueuedContent(self.entry, in: self.service.queue)
        var transaction = ClientTransaction(reversePath: reversePath, recipients: [], size: content.size)
        transaction.isEightBit = self.entry.isEightBit
        transaction.requiresTLS = self.entry.requiresTLS
        transaction.returnContent = self.entry.returnsFull.map { $0 ? .full : .headers }
        transaction.envelopeIdentifier = self.entry.envelopeID
        do {
            if self.entry.isInternationalized {
                transaction.needsInternationalization = try await content.header().contains { $0 > 0x7F }
            }
            let login = try await self.login()
            return Plan(transaction: transaction, recipients: recipients, content: content, login: login)
        } catch {
            if Task.isCancelled { throw CancellationError() }
            Logger.current.error(
                "Message cannot be attempted",
                metadata: ["queue_id": "\(self.entry.id.rawValue)", "error": "\(error)"]
            )
            findings.add(known, .deferred(SessionFailure.local("the message cannot be sent now").status))
            return nil
        }
    }

    private static func reversePath(_ text: String) -> Path? {
        guard !text.isEmpty else { return .null }
        return (try? EmailAddress(parsing: text)).map(Path.address)
    }

    private func login() async throws -> ClientLogin? {
        guard self.destination == .smarthost, let login = self.service.options.smarthost?.login else { return nil }
        return ClientLogin(user: login.user, password: try await login.password())
    }

    // MARK: Host after host

    private func deliver(_ plan: Plan, along route: Route, _ findings: inout Findings) async throws -> Outcome {
        var plan = plan
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
            guard let failure = try await self.deliver(&plan, to: hop, &findings) else { return .reached }
            last = SessionFailure(cause: failure.cause, status: failure.status.at(hop.description))
            // What a smarthost minds are our settings; but that it has no TLS to promise is its own word.
            let isFinal = failure.isPermanent && (self.smarthost == nil || failure.cause == .noTLS)
            isRefusedByAll = isRefusedByAll && isFinal
            if failure.cause == .local { break }
        }
        findings.add(plan.recipients.map(\.number), isRefusedByAll ? .failed(last.status) : .deferred(last.status))
        if last.cause == .local { return .undecided }
        return findings.isHeard || isRefusedByAll ? .reached : .unreachable(last.status)
    }

    /// Asks one host, again and again as long as that helps.
    ///
    /// - Returns: why recipients are left, nil if none is.
    private func deliver(
        _ plan: inout Plan,
        to hop: Route.Hop,
        _ findings: inout Findings
    ) async throws -> SessionFailure? {
        var isClear = false
        while true {
            let before = plan.recipients.count
            let failure = try await self.converse(&plan, hop, &findings, isClear: isClear)
            guard !plan.recipients.isEmpty else { return nil }
            if plan.recipients.count < before { continue }
            let reason = failure ?? .outOfStep("the host takes no transaction")
            guard !self.isStrict else { return reason.requiringTLS }
            // RFC 7435: what would otherwise go in clear text may do so after TLS has failed.
            guard reason.cause == .handshake, !isClear, self.isOpportunistic else { return reason }
            isClear = true
        }
    }

    /// One connection.
    ///
    /// - Returns: why it ended early.
    private func converse(
        _ plan: inout Plan,
        _ hop: Route.Hop,
        _ findings: inout Findings,
        isClear: Bool
    ) async throws -> SessionFailure? {
        var failure: SessionFailure?
        let timeouts = self.service.options.timeouts
        do {
            try await self.service.connector.withConnection(
                to: self.target(hop, isClear: isClear),
                timeout: timeouts.connecting
            ) { connection in
                var session = ClientSession(
                    connection,
                    self.settings(plan.login, isClear: isClear),
                    timeouts: timeouts,
                    time: self.service.time,
                    work: self.service.work
                )
                failure = try await session.open()
                if failure == nil, self.isStrict, !session.offers("REQUIRETLS") { failure = .requiresPromise }
                while failure == nil, !plan.recipients.isEmpty, session.takesAnotherTransaction {
                    var transaction = plan.transaction
                    transaction.recipients = Array(plan.recipients.prefix(session.recipientLimit))
                    let (verdicts, reason) = try await session.send(transaction, plan.content)
                    plan.recipients.removeAll { verdicts[$0.number] != nil }
                    self.take(verdicts.mapValues { $0.at(hop.description) }, &findings)
                    if !verdicts.isEmpty || session.hasTakenRecipient || reason?.cause == .transaction {
                        findings.isHeard = true
                    }
                    failure = reason
                }
                await session.quit()
            }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            return failure ?? .connection("\(error)")
        }
        return failure
    }

    private func take(_ verdicts: [Int: Verdict], _ findings: inout Findings) {
        let delivered = verdicts.filter(\.value.isDelivered)
        if !delivered.isEmpty { self.settle(delivered) }
        findings.verdicts.merge(verdicts.filter { !$0.value.isDelivered }) { _, new in new }
    }

    // MARK: How to connect

    private var smarthost: Smarthost? { self.destination == .smarthost ? self.service.options.smarthost : nil }

    private var isOpportunistic: Bool { self.smarthost?.security ?? .opportunistic == .opportunistic }

    private func target(_ hop: Route.Hop, isClear: Bool) -> RelayTarget {
        let security: RelayTarget.Security =
            switch self.smarthost?.security ?? .opportunistic {
            case .implicit: .implicit(verifying: true)
            case .startTLS: .startTLS(verifying: true)
            case .opportunistic: isClear ? .none : .startTLS(verifying: self.isStrict)
            case .none: self.isStrict ? .startTLS(verifying: true) : .none
            }
        // Verification of a smarthost given as an address is by that address.
        let name = hop.name ?? (self.smarthost == nil ? nil : hop.address.description)
        return RelayTarget(
            address: hop.address.description,
            port: self.smarthost?.port ?? self.service.options.port,
            serverName: name,
            security: security
        )
    }

    private func settings(_ login: ClientLogin?, isClear: Bool) -> ClientStateMachine.Settings {
        let security: ClientStateMachine.Security =
            switch self.smarthost?.security ?? .opportunistic {
            // The connector has failed if there is none.
            case .implicit: .required
            case .startTLS: .required
            case .opportunistic: self.isStrict ? .required : isClear ? .asIs : .opportunistic
            case .none: self.isStrict ? .required : .asIs
            }
        return ClientStateMachine.Settings(
            hostname: self.service.options.hostname,
            security: security,
            login: login,
            allowsPlaintext: self.smarthost?.security == Smarthost.Security.none
        )
    }
}
