// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import HTTPServer
import HummingbirdCore
import IMAPServer
import Logging
import MailConnection
import MailNetwork
import MailRelay
import MailStorage
import Metrics
import NIOCore
import SASLMechanisms
import SMTPServer
import SMTPSyntax
import SQLiteStorage
import SenderAuthentication
import ServiceLifecycle

extension Appliance {
    /// Everything that runs, on the sockets there are.
    func services() async throws -> [any Service] {
        let clock = TimeSource.system(unixTime: { Int64(Glibc.time(nil)) })
        let guesses = self.guesses(time: clock)
        let credentials = try self.credentials(guesses: guesses, time: clock)
        let imap = IMAPService(
            options: self.imapOptions,
            directory: self.store,
            credentials: credentials,
            time: clock
        )
        let senders = try self.senders()
        let signing = SigningPolicy(
            keys: self.store,
            // Longer than the message may wait here, and its report come back.
            lifetime: self.settings.relay.lifetime.components.seconds + 7 * 86_400
        )
        let reports = try self.reports(time: clock, senders: senders, signing: signing)
        let filters = try await self.filters()
        let smtp = SMTPService(
            options: self.smtpOptions,
            directory: self.store,
            queue: self.store,
            credentials: credentials,
            rewriting: try await self.rewriting(),
            time: clock,
            senders: senders,
            signing: signing,
            observer: reports.observer,
            filters: filters
        )
        let bridge = try self.bridge(imap: imap, smtp: smtp, credentials: credentials, time: clock)
        let http = self.httpChannel(
            bridge,
            storage: self.storage(bridge, smtp: smtp, credentials: credentials)
        )

        let relay = try self.relay(
            time: clock,
            reportRoute: smtp.reportRoute,
            observeTLS: reports.observeTLS
        )
        // The last stops first: reports hear of all that the others do.
        var services: [any Service] = reports.services
        services += [
            bridge, relay, Maintenance(store: self.store), SearchIndexing(store: self.store),
        ]
        if filters.junk != nil {
            services.append(JunkLearning(store: self.store, authservID: self.settings.hostname))
        }
        services.append(try await Keeping(guesses, in: self.store, unixTime: clock.unixTime))
        if let greylist = filters.greylist { services.append(Keeping(greylist, unixTime: clock.unixTime)) }
        services.append(
            ControlService(
                store: self.store,
                path: self.settings.data + "/control.sock",
                server: RunningServer(sessions: imap.sessions, sendReports: reports.sendNow)
            ) { command in
                // "Now" means now, also for a destination that has just failed.
                if command is QueueCommand.Retry { relay.forgetFailures() }
            }
        )
        for (name, sockets) in self.sockets.sorted(by: { $0.key < $1.key }) {
            services.append(
                self.listener(name, sockets, imap: imap, smtp: smtp, http: http)
            )
        }
        return services
    }

    /// Addresses for what is sent on, under the key of this store.
    private func rewriting() async throws -> SenderRewriting {
        let new = try Random.octets(SenderRewriting.keyLength)
        return SenderRewriting(key: try await self.store.secret("sender-rewriting", orElse: new))
    }

    private var imapOptions: IMAPService.Options {
        var options = IMAPService.Options()
        options.hostname = self.settings.hostname
        options.hasTLS = self.tls != nil
        options.messageLimit = self.settings.limits.messageSize
        options.inactivityTimeout = self.settings.imap.inactivityTimeout
        options.concurrency = self.settings.imap.concurrency
        options.withheldCapabilities = Set(self.settings.imap.withheld)
        return options
    }

    private var smtpOptions: SMTPService.Options {
        var options = SMTPService.Options()
        options.hostname = self.settings.hostname
        options.hasTLS = self.tls != nil
        options.messageLimit = self.settings.limits.messageSize
        options.recipientsLimit = self.settings.limits.recipients
        options.sessionsPerAddress = self.settings.limits.connectionsPerAddress
        options.sessionsPerNetwork = self.settings.limits.connectionsPerNetwork
        options.sessionsPerAccount = self.settings.limits.connectionsPerAccount
        options.sessionsPerMinute = self.settings.limits.connectionsPerMinute
        options.recipientsPerHour = self.settings.limits.recipientsPerHour
        options.offenceLimit = self.settings.limits.banAfter
        options.banTime = self.settings.limits.banTime
        options.greetingDelay = self.settings.listen.greetingDelay
        options.speaksForOthers = Self.isWithin(self.settings.listen.xclient)
        return options
    }

    /// Checks passwords against the store, on threads of its own.
    private func credentials(guesses: GuessCounter, time: TimeSource) throws -> CredentialSource<Account> {
        let store = self.store
        let width = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return CredentialSource(
            unknownUserKey: try SecretKey.load(self.settings.data + "/unknown-users.key"),
            work: PasswordWork(width: width),
            guesses: guesses,
            tokens: try self.tokens(time: time)
        ) { name in
            guard let (account, text) = try await store.credential(for: name) else { return nil }
            return PasswordVerifier(parsing: text).map { StoredCredential(identity: account, verifier: $0) }
        }
    }

    /// Counts wrong passwords, whichever way they come.
    private func guesses(time: TimeSource) -> GuessCounter {
        var options = GuessLimits.Options()
        options.perHour = self.settings.limits.wrongPasswords
        // The settings were checked when they were read.
        let exempt = NetworkList(self.settings.limits.wrongPasswordsExempt) ?? NetworkList()
        let logger = self.logger
        let refusals = Counter(label: "letterhouse_guessing_addresses_total")
        return GuessCounter(GuessLimits(options), now: time.now) { text in
            guard let address = try? IPAddress(parsing: text).unmapped, !exempt.contains(address) else { return nil }
            return address.octets
        } report: { address in
            refusals.increment()
            logger.warning("Too many wrong passwords: more are refused", metadata: ["peer": "\(address)"])
        }
    }

    /// Who knows about access tokens; nil without settings for it.
    private func tokens(time: TimeSource) throws -> TokenAuthority? {
        guard let settings = self.settings.tokens else { return nil }
        let names = self.names
        let introspection = TokenIntrospection(
            settings: settings,
            trust: try TLSClientContext(trust: .system),
            time: time
        ) { host in try await names.addresses(of: host).addresses }
        return TokenAuthority(scope: settings.scope) { try await introspection.holder(of: $0) }
    }

    /// The listener of one name; every connection logs with a number of its own.
    private func listener(
        _ name: String,
        _ sockets: [CInt],
        imap: IMAPService,
        smtp: SMTPService,
        http: HTTPChannel
    ) -> any Service {
        let fronts = Self.isWithin(self.settings.listen.xclient)
        return switch name {
        case "imap":
            self.listener(
                sockets,
                farewell: "* BYE Too many connections: try again later\r\n",
                makesRoom: true,
                self.imapChannel(imap, .startTLS)
            )
        case "imaps": self.listener(sockets, farewell: "", makesRoom: true, self.imapChannel(imap, .implicit))
        case "smtp":
            self.listener(
                sockets,
                farewell: Self.smtpFarewell,
                isFront: fronts,
                self.smtpChannel(smtp, .exchange, .startTLS)
            )
        case "submission":
            self.listener(
                sockets,
                farewell: Self.smtpFarewell,
                isFront: fronts,
                self.smtpChannel(smtp, .submission, .startTLS)
            )
        case "lmtp": self.listener(sockets, farewell: Self.smtpFarewell, self.smtpChannel(smtp, .lmtp, .none))
        case "submissions":
            self.listener(sockets, farewell: "", isFront: fronts, self.smtpChannel(smtp, .submissions, .implicit))
        default: self.listener(sockets, farewell: "", http)
        }
    }

    private static let smtpFarewell = "421 4.7.0 Too many connections: try again later\r\n"

    private func listener(
        _ sockets: [CInt],
        farewell: String,
        makesRoom: Bool = false,
        isFront: @escaping @Sendable (_ address: String) -> Bool = { _ in false },
        _ child: some ServerChildChannel
    ) -> any Service {
        let isProxy = self.proxies
        return SocketListener(
            sockets: sockets,
            child: child,
            limits: ConnectionLimits(
                total: self.settings.limits.connections,
                perAddress: self.settings.limits.connectionsPerAddress,
                makesRoom: makesRoom,
                isProxy: { isProxy($0) || isFront($0) }
            ),
            farewell: Array(farewell.utf8),
            drainDeadline: .init(Self.drainDeadline),
            logger: self.logger
        )
    }

    private enum TLSUse { case none, startTLS, implicit }

    /// Whether an address is a proxy's, which says whose its connections are.
    private var proxies: @Sendable (_ address: String) -> Bool { Self.isWithin(self.settings.listen.proxies) }

    private static func isWithin(_ networks: [String]) -> @Sendable (_ address: String) -> Bool {
        // The settings were checked when they were read.
        let networks = NetworkList(networks) ?? NetworkList()
        return { text in (try? IPAddress(parsing: text)).map { networks.contains($0.unmapped) } ?? false }
    }

    private func imapChannel(_ service: IMAPService, _ use: TLSUse) -> MailChannel<IMAPNote> {
        let logger = self.logger
        return MailChannel(security: self.security(use, self.tls?.imap), isProxy: self.proxies) { connection in
            try await logger.forConnection("imap", connection.peer) {
                var session = IMAPSession(connection: connection, service: service)
                try await session.run()
            }
        }
    }

    private func smtpChannel(_ service: SMTPService, _ role: SMTPRole, _ use: TLSUse) -> MailChannel<SMTPNote> {
        let logger = self.logger
        // Who is on this machine needs no proxy.
        let isProxy = role == .lmtp ? Self.isWithin([]) : self.proxies
        return MailChannel(security: self.security(use, self.tls?.smtp), isProxy: isProxy) { connection in
            try await logger.forConnection(role.rawValue, connection.peer) {
                var session = SMTPSession(connection: connection, service: service, role: role)
                try await session.run()
            }
        }
    }

    private func security<Note>(_ use: TLSUse, _ context: TLSServerContext?) -> MailChannel<Note>.Security {
        guard let context, use != .none else { return .none }
        return use == .implicit ? .implicit({ context }) : .startTLS({ context })
    }
}

extension Logger {
    /// Runs `body` with a task-local logger that names the connection.
    fileprivate func forConnection(
        _ service: String,
        _ peer: Peer,
        _ body: nonisolated(nonsending) () async throws -> Void
    ) async throws {
        var logger = self
        logger[metadataKey: "connection"] = "\(service)-\(String(UInt32.random(in: .min ... .max), radix: 16))"
        try await withLogger(logger) { _ in try await body() }
    }
}
