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
    /// `reportRoute`: where reports about what was sent, or sent on, go.
    func relay(
        time: TimeSource,
        reportRoute: @escaping @Sendable (_ localPart: String, _ domain: String) async throws -> RecipientRoute
    ) throws -> RelayService {
        let settings = self.settings.relay
        var options = RelayService.Options()
        options.hostname = self.settings.hostname
        options.ownAddresses = self.ownAddresses(port: settings.port)
        options.smarthost = settings.smarthost.map(Smarthost.init)
        options.schedule = RetrySchedule(firstPause: settings.retryAfter)
        options.lifetime = settings.lifetime
        options.delayReportAfter = settings.delayReportAfter
        options.attempts = settings.parallel
        options.attemptsPerDestination = settings.parallelPerDestination
        options.longestProbePause = min(options.longestProbePause, max(1, settings.retryAfter.components.seconds * 12))
        options.patience = .seconds(2)
        options.port = settings.port
        options.allowsNonGlobalAddresses = settings.allowsPrivateAddresses
        let store = self.store
        return RelayService(
            options: options,
            queue: store,
            route: reportRoute,
            resolver: try Self.resolver(settings.resolver),
            connector: NetworkConnector(trust: try TLSClientContext(trust: .system)),
            work: PasswordWork(width: 1),
            time: time
        )
    }

    /// The system's name servers, or the one of the settings.
    static func resolver(_ address: String?) throws -> NetworkResolver {
        guard let address else {
            let system = SystemResolver()
            return NetworkResolver { () throws(ResolutionError) in try system.current() }
        }
        // Whoever names a resolver trusts it: it may serve names that the root knows nothing of.
        let resolver = try DNSResolver(ResolverSettings(upstream: .forwarders([address]), trustAnchorFile: nil))
        return NetworkResolver { () throws(ResolutionError) in resolver }
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

/// The relay's questions, answered by DNS.
struct NetworkResolver: NameResolver {
    /// The resolver to ask at this moment.
    let resolver: @Sendable () throws(ResolutionError) -> DNSResolver

    func mailExchangers(of domain: String) async throws(ResolutionFailure) -> [MailExchange] {
        do {
            // What a null MX means is the router's business.
            return try await self.resolver().mailExchangers(of: domain).map {
                MailExchange(preference: $0.preference, name: $0.name, isSecure: $0.isSecure)
            }
        } catch {
            throw ResolutionFailure(error)
        }
    }

    func addresses(of host: String) async throws(ResolutionFailure) -> [String] {
        do {
            return try await self.resolver().addresses(of: host)
        } catch {
            throw ResolutionFailure(error)
        }
    }
}

extension ResolutionFailure {
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as ResolutionError where error.isPermanent: self = .noSuchDomain
        case ResolutionError.bogus(let reason), ResolutionError.temporaryFailure(let reason): self = .temporary(reason)
        default: self = .temporary("\(error)")
        }
    }
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
        case .startTLS(let verifying): .startTLS(self.role(target, verifying))
        case .implicit(let verifying): .implicit(self.role(target, verifying))
        }
    }

    private func role(_ target: RelayTarget, _ verifying: Bool) -> TLSClientRole {
        TLSClientRole(
            context: self.trust,
            serverName: target.serverName,
            verification: verifying ? .verified(name: target.serverName ?? target.address) : .none
        )
    }
}
