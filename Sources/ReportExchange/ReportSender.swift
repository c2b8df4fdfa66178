// SPDX-License-Identifier: Apache-2.0

import DomainReports
import Logging
import MailConnection
import MailStorage
import SMTPSyntax
import SenderAuthentication
import ServiceLifecycle

/// Sends reports about a day when the day is over: to each domain at a time of its own, within four hours (RFC 8460 §4.1).
///
/// What was counted is forgotten in the transaction that queues the messages, so a restart sends nothing twice. Reports that are
/// posted to a web server are forgotten afterwards, and may come there twice, under the same identifier.
package struct ReportSender: Service {
    /// Limits and choices, from the settings.
    package struct Options: Sendable {
        package var hostname = "localhost"
        /// Who reports are from, for people.
        package var organisation: String
        /// The address that they are from; nil: the postmaster of our domain.
        package var from: EmailAddress?
        package var kinds: Set<ReportKind> = Set(ReportKind.allCases)

        package init(hostname: String) {
            self.hostname = hostname
            self.organisation = hostname
        }
    }

    /// What the sender needs of others.
    package struct Means: Sendable {
        /// The names of the domains here.
        var domains: @Sendable () async throws -> [String]
        /// Where mail for an address goes.
        var route: @Sendable (_ localPart: String, _ domain: String) async throws -> RecipientRoute
        /// The fields that sign a message of ours whose author is at that domain; empty if nobody can.
        var sign: @Sendable (_ message: [UInt8], _ domain: DomainName) async throws -> [UInt8]
        /// Posts a file to a URL; false if the server does not take it now.
        var post: @Sendable (_ url: String, _ mediaType: String, _ file: [UInt8]) async -> Bool

        package init(
            domains: @escaping @Sendable () async throws -> [String],
            route: @escaping @Sendable (_ localPart: String, _ domain: String) async throws -> RecipientRoute,
            sign: @escaping @Sendable (_ message: [UInt8], _ domain: DomainName) async throws -> [UInt8],
            post: @escaping @Sendable (_ url: String, _ mediaType: String, _ file: [UInt8]) async -> Bool
        ) {
            self.domains = domains
            self.route = route
            self.sign = sign
            self.post = post
        }
    }

    /// How often it looks whether something is due.
    private static let pause: Duration = .seconds(600)
    /// From when to when after midnight, in seconds: before, what was seen of the day is still being written down.
    private static let spread: Range<Int64> = 600..<(4 * 3600)
    /// After so many days what could not be sent is given up.
    private static let lifetime = 3
    /// Domains and days read from the store in one go, and looked up at the same time.
    private static let page = 1000
    private static let width = 8
    /// How long the name service may take for one of them.
    private static let patience: Duration = .seconds(10)

    let options: Options
    let ledger: any ReportLedger
    let discovery: ReportDiscovery
    let means: Means
    let time: TimeSource
    let random: @Sendable (_ count: Int) -> [UInt8]
    private let turns = Turns()

    /// Puts a sender together; `random` makes octets for identifiers and boundaries, which are no secrets.
    package init(
        options: Options,
        ledger: any ReportLedger,
        discovery: ReportDiscovery,
        means: Means,
        time: TimeSource,
        random: @escaping @Sendable (_ count: Int) -> [UInt8]
    ) {
        self.options = options
        self.ledger = ledger
        self.discovery = discovery
        self.means = means
        self.time = time
        self.random = random
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.time.sleep(self.time.now() + Self.pause)
                    _ = try await self.send()
                } catch is CancellationError {
                    return
                } catch {
                    // What is due stays due.
                    Logger.current.error("Reports cannot be sent", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Sends what is due; with `isAtOnce` everything that was counted, also of the day that is not over.
    ///
    /// - Returns: how many reports went out.
    package func send(isAtOnce: Bool = false) async throws -> Int {
        await self.turns.take()
        defer { self.turns.leave() }
        let now = self.time.unixTime()
        let today = Int(now / 86_400)
        var pass = ReportPass()
        var count = 0
        var last: ReportSubject?
        while true {
            let page = try await self.ledger.reportsDue(
                before: isAtOnce ? today + 1 : today,
                after: last,
                limit: Self.page
            )
            guard let end = page.last else { return count }
            last = end
            var rest = page.filter { isAtOnce || self.due($0) <= now }[...]
            while !rest.isEmpty {
                try Task.checkCancellation()
                count += try await self.send(Array(rest.prefix(Self.width)), today: today, &pass)
                rest = rest.dropFirst(Self.width)
            }
        }
    }

    private func due(_ subject: ReportSubject) -> Int64 {
        Int64(subject.day + 1) * 86_400 + self.delay(subject.domain)
    }

    /// Seconds after midnight: the same for an organization on every day, and another one at every server.
    func delay(_ domain: String) -> Int64 {
        let organization = DomainName(domain).map { self.discovery.organization(of: $0).text } ?? domain
        let hash = self.hash("\(self.options.hostname) \(organization)")
        return Self.spread.lowerBound + Int64(hash % UInt64(Self.spread.count))
    }

    /// FNV-1a, which is the same after a restart.
    func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for octet in text.utf8 { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01B3 }
        return hash
    }

    // MARK: A few domains

    private func send(_ subjects: [ReportSubject], today: Int, _ pass: inout ReportPass) async throws -> Int {
        var wanted: [(subject: ReportSubject, domain: DomainName, organization: DomainName)] = []
        for subject in subjects {
            guard let domain = DomainName(subject.domain), self.options.kinds.contains(subject.kind) else {
                try await self.forget(subject)
                continue
            }
            let organization = self.discovery.organization(of: domain)
            guard today - subject.day <= Self.lifetime, pass.admits(subject, of: organization) else {
                Metrics.countForgotten(subject.kind)
                try await self.forget(subject)
                continue
            }
            if !pass.failed.contains(organization) { wanted.append((subject, domain, organization)) }
        }
        let answers = await self.answers(wanted.map { ($0.subject, $0.domain) })
        try Task.checkCancellation()
        var count = 0
        for (subject, _, organization) in wanted {
            guard case .found(let destinations) = answers[subject] else {
                pass.failed.insert(organization)
                continue
            }
            do {
                count += try await self.send(subject, to: destinations, &pass)
            } catch is CancellationError {
                throw CancellationError()
            } catch StoreError.notFound {
                // Somebody was quicker.
            } catch {
                // The others get theirs all the same, and this one is given up some day.
                Logger.current.error(
                    "Report cannot be sent",
                    metadata: ["recipient": "\(subject.domain)", "error": "\(error)"]
                )
            }
        }
        return count
    }

    /// Nobody gets a report of it.
    func forget(_ subject: ReportSubject) async throws {
        do { try await self.ledger.settle(subject, nil, sending: []) } catch StoreError.notFound {}
    }

    /// Where they are wanted; nothing where that could not be found out in time.
    private func answers(_ subjects: [(ReportSubject, DomainName)]) async -> [ReportSubject: ReportDiscovery.Answer] {
        let (discovery, time) = (self.discovery, self.time)
        return await withTaskGroup(of: (ReportSubject, ReportDiscovery.Answer)?.self) { group in
            for (subject, domain) in subjects {
                group.addTask {
                    switch subject.kind {
                    case .aggregate: (subject, await discovery.aggregate(of: domain))
                    case .tls: (subject, await discovery.tls(of: domain))
                    }
                }
            }
            group.addTask {
                try? await time.sleep(time.now() + Self.patience)
                return nil
            }
            var answers: [ReportSubject: ReportDiscovery.Answer] = [:]
            while answers.count < subjects.count, case .some(.some(let (subject, answer))) = await group.next() {
                answers[subject] = answer
            }
            group.cancelAll()
            return answers
        }
    }
}
