// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import MailConnection
import MailNetwork
import MailRelay
import MailStorage
import NIOCore
import SASLMechanisms
import SMTPSyntax
import SQLiteStorage

extension Appliance {
    /// What empties the queue, with the names and connections of the network module.
    ///
    /// `reportRoute`: where reports about what was sent, or sent on, go. `observeTLS`: who counts how TLS goes.
    func relay(
        time: TimeSource,
        reportRoute: @escaping @Sendable (_ localPart: String, _ domain: String) async throws -> RecipientRoute,
        observeTLS: @escaping @Sendable (TLSObservation) -> Void
    ) throws -> RelayService {
        let settings = self.settings.relay
        var options = RelayService.Options()
        options.hostname = self.settings.hostname
        options.ownAddresses = self.ownAddresses(port: settings.port)
        options.smarthosts = settings.smarthosts.map(SmarthostRule.init)
        options.schedule = RetrySchedule(firstPause: settings.retryAfter)
        options.lifetime = settings.lifetime
        options.delayReportAfter = settings.delayReportAfter
        options.attempts = settings.parallel
        options.attemptsPerDestination = settings.parallelPerDestination
        options.longestProbePause = min(options.longestProbePause, max(1, settings.retryAfter.components.seconds * 12))
        options.patience = .seconds(2)
        options.port = settings.port
        options.allowsNonGlobalAddresses = settings.allowsPrivateAddresses
        options.isIPv4Only = settings.isIPv4Only
        let store = self.store
        let trust = try TLSClientContext(trust: .system)
        let policies = PolicyFetcher(trust: trust, port: settings.policyPort, time: time)
        return RelayService(
            options: options,
            queue: store,
            route: reportRoute,
            resolver: self.names,
            connector: NetworkConnector(trust: trust),
            work: PasswordWork(width: 1),
            time: time,
            policies: settings.asksForPolicies ? STSFinder(store: store, fetch: policies.fetch) : nil,
            observeTLS: observeTLS
        )
    }

    /// Where a connection to the port would reach ourselves: mail there would go round for ever.
    private func ownAddresses(port: Int) -> @Sendable () -> Set<IPAddress> {
        let sockets = ["smtp", "submission", "submissions"].flatMap { self.sockets[$0] ?? [] }
        let addresses = ListeningAddresses(of: sockets, port: port)
        return { Set(addresses.current.compactMap { try? IPAddress(parsing: $0) }) }
    }
}

extension RetrySchedule {
    /// The standard schedule, stretched or shrunk to begin with another pause.
    fileprivate init(firstPause: Duration) {
        self.init()
        let first = max(1, firstPause.components.seconds)
        guard let standard = self.pauses.first, standard > 0, first != standard else { return }
        self.pauses = self.pauses.map { max(1, $0 * first / standard) }
        self.laterPause = max(1, self.laterPause * first / standard)
    }
}

extension SmarthostRule {
    fileprivate init(_ settings: Settings.SmarthostRule) {
        self.init(
            domains: settings.domains,
            senders: settings.senders,
            smarthost: settings.smarthost.map(Smarthost.init)
        )
    }
}

extension Smarthost {
    fileprivate init(_ settings: Settings.Smarthost) {
        let security: Security =
            switch settings.security {
            case .implicit: .implicit
            case .starttls: .startTLS
            case .opportunistic: .opportunistic
            }
        var login: Login?
        if let user = settings.user, let file = settings.passwordFile {
            // Read at each attempt, so that a new password needs no restart.
            login = Login(user: user) {
                let text = try TextFile.read(file)
                let line = text.prefix { !$0.isNewline }
                guard let password = Password(String(line)) else { throw UnusablePassword(path: file) }
                return password
            }
        }
        self.init(host: settings.host, port: settings.port, security: security, login: login)
    }
}

/// The file has no password in its first line.
private struct UnusablePassword: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(self.path): expected the password in the first line" }
}

/// The relay's connections, over sockets.
private struct NetworkConnector: RelayConnector {
    let trust: TLSClientContext
    /// RFC 5321 §4.5.3.2.5 asks for three minutes.
    private let connector = Connector(deadlines: SocketDeadlines(write: .minutes(3)))

    init(trust: TLSClientContext) { self.trust = trust }

    func withConnection(
        to target: RelayTarget,
        timeout: Duration,
        _ body: (any Connection<ClientNote>) async throws -> Void
    ) async throws {
        try await self.connector.withConnection(
            to: target.address,
            port: target.port,
            timeout: TimeAmount(timeout),
            security: self.security(of: target),
            notes: ClientNote.self
        ) { connection in try await body(connection) }
    }

    private func security(of target: RelayTarget) -> Connector.Security {
        switch target.security {
        case .none: .none
        case .startTLS(let verification): .startTLS(self.role(target, verification))
        case .implicit(let verification): .implicit(self.role(target, verification))
        }
    }

    private func role(_ target: RelayTarget, _ verification: PeerVerification) -> TLSClientRole {
        TLSClientRole(context: self.trust, serverName: target.serverName, verification: verification)
    }
}
