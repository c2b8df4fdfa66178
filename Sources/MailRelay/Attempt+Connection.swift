// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import MailStorage
import SMTPSyntax

/// One connection to one host: for this message, and then for others that wait for the same destination.
extension Attempt {
    /// Connects in one of the ways there are.
    ///
    /// `isCommon`: whether others' mail may go the same way, on the same connection.
    ///
    /// - Returns: why it ended early.
    func converse(
        _ plan: inout Plan,
        _ hop: Route.Hop,
        _ way: HostSecurity.Way,
        _ policy: TLSObservation.Policy?,
        isCommon: Bool,
        _ findings: inout Findings
    ) async throws -> SessionFailure? {
        var failure: SessionFailure?
        let timeouts = self.service.options.timeouts
        do {
            try await self.service.connector.withConnection(
                to: self.target(hop, way),
                timeout: timeouts.connecting
            ) { connection in
                var session = ClientSession(
                    connection,
                    self.settings(plan.login, way),
                    timeouts: timeouts,
                    time: self.service.time,
                    work: self.service.work
                )
                session.verifiedBy = way.verifiedBy
                failure = try await session.open()
                self.observe(failure, session, hop, way, policy)
                if failure == nil, plan.entry.isStrict, !session.offers("REQUIRETLS") { failure = .requiresPromise }
                if failure == nil { failure = try await self.transact(&plan, hop, &session, &findings) }
                if failure == nil, plan.recipients.isEmpty, isCommon { try await self.share(&session, hop, &findings) }
                await session.quit()
            }
        } catch {
            try Task.checkCancellation()
            return failure ?? (error is TLSFailure ? .tls(error) : .connection("\(error)"))
        }
        return failure
    }

    /// Transactions, until each recipient has a verdict.
    private func transact(
        _ plan: inout Plan,
        _ hop: Route.Hop,
        _ session: inout ClientSession,
        _ findings: inout Findings
    ) async throws -> SessionFailure? {
        while !plan.recipients.isEmpty, session.takesAnotherTransaction {
            var transaction = plan.transaction
            transaction.recipients = Array(plan.recipients.prefix(session.recipientLimit))
            let (verdicts, failure) = try await session.send(transaction, plan.content)
            plan.recipients.removeAll { verdicts[$0.number] != nil }
            let tls = session.security
            self.take(verdicts.mapValues { $0.at(hop.description, tls: tls) }, plan.entry, &findings)
            if !verdicts.isEmpty || session.hasTakenRecipient || failure?.cause == .transaction {
                findings.isHeard = true
            }
            if let failure { return failure }
        }
        return nil
    }

    private func take(_ verdicts: [Int: Verdict], _ entry: QueueEntry, _ findings: inout Findings) {
        self.desk.settle(self.consignment, entry, verdicts.filter(\.value.isDelivered))
        findings.verdicts.merge(verdicts.filter { !$0.value.isDelivered }) { _, new in new }
    }

    // MARK: Other messages

    /// Ends this attempt, and sends what else there is for the destination on the same connection, as long as the dispatcher
    /// has something.
    private func share(_ session: inout ClientSession, _ hop: Route.Hop, _ findings: inout Findings) async throws {
        let options = self.service.options
        let end = self.service.time.now() + options.connectionLifetime
        var isWaiting = options.idleTime > .zero && session.takesAnotherTransaction
        self.end(.reached, &findings, waiting: isWaiting ? session.post : nil)
        while isWaiting {
            let deadline = min(end, self.service.time.now() + options.idleTime)
            guard let consignment = try await session.nextConsignment(until: deadline) else { return }
            let attempt = Attempt(service: self.service, consignment: consignment, desk: self.desk)
            isWaiting = try await attempt.rideAlong(&session, hop, until: end)
        }
    }

    /// The attempt on a connection that is there already; whether the connection waits for another one then.
    private func rideAlong(_ session: inout ClientSession, _ hop: Route.Hop, until end: Duration) async throws -> Bool {
        var findings = Findings()
        var isWaiting = false
        await self.ending(&findings) { findings in
            let (outcome, isUsable) = try await self.transactAgain(&session, hop, &findings)
            isWaiting = isUsable && session.takesAnotherTransaction && self.service.time.now() < end
            self.end(outcome, &findings, waiting: isWaiting ? session.post : nil)
            return outcome
        }
        try Task.checkCancellation()
        return isWaiting
    }

    private func transactAgain(
        _ session: inout ClientSession,
        _ hop: Route.Hop,
        _ findings: inout Findings
    ) async throws -> (outcome: Outcome, isUsable: Bool) {
        guard var plan = try await self.plan(&findings) else { return (.undecided, true) }
        // What it demands of the host, this connection was not asked for.
        guard !plan.entry.isStrict else { return (.again, true) }
        let failure = try await self.transact(&plan, hop, &session, &findings)
        return (plan.recipients.isEmpty ? .reached : .again, failure == nil)
    }

    // MARK: How to connect

    private func target(_ hop: Route.Hop, _ way: HostSecurity.Way) -> RelayTarget {
        let security: RelayTarget.Security =
            switch way {
            case .clear: .none
            case .opportunistic, .encrypted: .startTLS(.none)
            case .verified(let verification): .startTLS(verification)
            case .implicit(let verification): .implicit(verification)
            }
        return RelayTarget(
            address: hop.address.description,
            port: self.smarthost?.port ?? self.service.options.port,
            serverName: hop.name,
            security: security
        )
    }

    private func settings(_ login: ClientLogin?, _ way: HostSecurity.Way) -> ClientStateMachine.Settings {
        let security: ClientStateMachine.Security =
            switch way {
            case .clear: .asIs
            case .opportunistic: .opportunistic
            // With implicit TLS the connector has failed if there is none.
            case .encrypted, .verified, .implicit: .required
            }
        return ClientStateMachine.Settings(
            hostname: self.service.options.hostname,
            security: security,
            login: login,
            allowsPlaintext: self.smarthost?.security == Smarthost.Security.none
        )
    }

    /// Tells how TLS went, where a domain has a say in it.
    private func observe(
        _ failure: SessionFailure?,
        _ session: ClientSession,
        _ hop: Route.Hop,
        _ way: HostSecurity.Way,
        _ policy: TLSObservation.Policy?
    ) {
        // In clear text after TLS has failed: that has been told.
        guard let policy, way != .clear, case .domain(let domain) = self.consignment.destination,
            let result = TLSObservation.Result(failure, isSecure: session.isSecure)
        else { return }
        // Nor of the second try without demands, when the first one has been told.
        if way == .opportunistic, policy.kind == .sts { return }
        self.service.observeTLS(
            TLSObservation(
                domain: Punycode.aLabels(of: domain) ?? domain,
                policy: policy,
                result: result,
                host: hop.name,
                address: hop.address,
                reason: failure?.status.description
            )
        )
    }
}
