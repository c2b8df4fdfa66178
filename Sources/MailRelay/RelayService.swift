// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms
import SMTPSyntax
import ServiceLifecycle

/// Empties the queue for as long as the process runs: routes, attempts, tries again, reports.
///
/// Immutable; what changes is in the queue, or local to ``run()``.
package struct RelayService: Service {
    /// Limits and choices, from the settings.
    package struct Options: Sendable {
        /// Our name in EHLO and reports: a domain.
        ///
        /// An MX of this name is ourselves.
        package var hostname = "localhost"
        /// The addresses that we listen on at ``port``: an MX with one of them is ourselves.
        ///
        /// Asked for at each attempt, for addresses come and go while we run.
        package var ownAddresses: @Sendable () -> Set<IPAddress> = { [] }
        /// Who reports are from; nil: `postmaster` at ``hostname``.
        package var postmaster: EmailAddress?
        /// Which mail goes through other hosts than those that the name system says: the first rule that applies counts.
        package var smarthosts: [SmarthostRule] = []
        package var schedule = RetrySchedule()
        /// How long a message is tried, from its acceptance on (RFC 5321 §4.5.4.1: at least 4-5 days).
        package var lifetime: Duration = .seconds(5 * 86_400)
        /// After how long the sender is told that a message waits.
        package var delayReportAfter: Duration = .seconds(4 * 3_600)
        /// Attempts at the same time, and for the same destination.
        package var attempts = 20
        package var attemptsPerDestination = 2
        /// The longest pause between two attempts to reach a dead destination at all, in seconds.
        package var longestProbePause: Int64 = 3_600
        package var timeouts = ClientTimeouts()
        /// How long running attempts may go on when the process is to stop.
        package var patience: Duration = .seconds(20)
        /// The largest message that is returned whole, in octets, if the sender wants that.
        package var fullReportLimit = 100 * 1024
        /// The port of mail exchangers; another one for tests.
        package var port = 25
        /// Whether mail may go to addresses that are not global; for tests, and networks without an outside.
        package var allowsNonGlobalAddresses = false
        /// Whether mail goes to IPv4 addresses only: for machines whose IPv6 leads nowhere, or has no name.
        package var isIPv4Only = false
        /// How long a connection waits for another message to the same destination; zero: not at all.
        package var idleTime: Duration = .seconds(5)
        /// How long a connection is used at all: then who is asked, and how, is found out again.
        package var connectionLifetime: Duration = .seconds(300)
        /// Connections that wait at the same time.
        package var idleConnections = 100

        /// The host of a rule, nil if it has none.
        func smarthost(_ number: Int) -> Smarthost? {
            self.smarthosts.indices.contains(number) ? self.smarthosts[number].smarthost : nil
        }

        package init() {}
    }

    package let options: Options
    let queue: any MailQueue
    /// Where mail for an address goes, for reports: `Directory.route`.
    let route: @Sendable (_ localPart: String, _ domain: String) async throws -> RecipientRoute
    let resolver: any NameResolver
    let connector: any RelayConnector
    /// The threads that SCRAM computes on.
    let work: PasswordWork
    let time: TimeSource
    let random: @Sendable (_ count: Int) -> [UInt8]
    /// The policies of domains about TLS; nil: nobody asks for them.
    let policies: STSFinder?
    /// Is told how TLS with the hosts of domains goes; must return at once.
    let observeTLS: @Sendable (TLSObservation) -> Void
    /// What the dispatcher waits for; one ``run()`` can have it.
    let events: (stream: AsyncStream<Dispatcher.Event>, post: AsyncStream<Dispatcher.Event>.Continuation)

    /// Puts a service together; `random` makes octets for jitter, boundaries and identifiers, which are no secrets.
    package init(
        options: Options,
        queue: any MailQueue,
        route: @escaping @Sendable (_ localPart: String, _ domain: String) async throws -> RecipientRoute,
        resolver: any NameResolver,
        connector: any RelayConnector,
        work: PasswordWork,
        time: TimeSource,
        random: @escaping @Sendable (_ count: Int) -> [UInt8] = Self.systemRandom,
        policies: STSFinder? = nil,
        observeTLS: @escaping @Sendable (TLSObservation) -> Void = { _ in }
    ) {
        self.options = options
        self.queue = queue
        self.route = route
        self.resolver = resolver
        self.connector = connector
        self.work = work
        self.time = time
        self.random = random
        self.policies = policies
        self.observeTLS = observeTLS
        let (stream, post) = AsyncStream.makeStream(of: Dispatcher.Event.self)
        self.events = (stream, post)
    }

    /// Octets from the system's generator.
    package static func systemRandom(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Relays until the process is to stop.
    ///
    /// On graceful shutdown no attempt begins, and those that run may end within ``Options/patience``. A message whose
    /// final reply has not come stays in the queue.
    /// To be called once.
    package func run() async throws {
        var dispatcher = Dispatcher(self)
        try await dispatcher.run()
    }

    /// Lets destinations be tried at once that could not be reached, for operators: call it before `MailQueue.retry`.
    package func forgetFailures() { self.events.post.yield(.forgetFailures) }
}
