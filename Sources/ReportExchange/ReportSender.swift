// SPDX-License-Identifier: Apache-2.0

import DomainReports
import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SenderAuthentication
import ServiceLifecycle

/// Sends reports about a day when the day is over: to each domain at a time of its own, within four hours (RFC 8460 §4.1).
///
/// What was counted is forgotten in the transaction that queues the messages, so a restart sends nothing twice. Reports that are
/// posted to a web server are forgotten afterwards, and may come there twice.
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
    /// Over how many seconds reports are spread.
    private static let spread: Int64 = 4 * 3600
    /// After so many days what could not be sent is given up.
    private static let lifetime = 3
    /// Domains and days looked at in one go.
    private static let batch = 1000

    private let options: Options
    private let ledger: any ReportLedger
    private let discovery: ReportDiscovery
    private let means: Means
    private let time: TimeSource
    private let random: @Sendable (_ count: Int) -> [UInt8]

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
        let now = self.time.unixTime()
        let today = Int(now / 86_400)
        var count = 0
        for subject in try await self.ledger.reportsDue(before: isAtOnce ? today + 1 : today, limit: Self.batch) {
            try Task.checkCancellation()
            let due = Int64(subject.day + 1) * 86_400 + self.delay(subject.domain)
            guard isAtOnce || due <= now else { continue }
            do {
                count += try await self.send(subject, isLast: today - subject.day > Self.lifetime)
            } catch StoreError.notFound {
                // Somebody was quicker.
            } catch let error as StoreError {
                Logger.current.error(
                    "Report cannot be sent",
                    metadata: ["recipient": "\(subject.domain)", "error": "\(error)"]
                )
            }
        }
        return count
    }

    /// Seconds after midnight: the same for a domain on every day, and another one at every server (FNV-1a).
    func delay(_ domain: String) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for octet in "\(self.options.hostname) \(domain)".utf8 { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01B3 }
        return Int64(hash % UInt64(Self.spread))
    }

    // MARK: One domain, one day

    private func send(_ subject: ReportSubject, isLast: Bool) async throws -> Int {
        guard let domain = DomainName(subject.domain), self.options.kinds.contains(subject.kind) else {
            try await self.ledger.settle(subject, sending: [])
            return 0
        }
        let answer =
            switch subject.kind {
            case .aggregate: await self.discovery.aggregate(of: domain)
            case .tls: await self.discovery.tls(of: domain)
            }
        try Task.checkCancellation()
        guard case .found(let destinations) = answer else {
            if isLast { try await self.ledger.settle(subject, sending: []) }
            return 0
        }
        guard !destinations.isEmpty else {
            try await self.ledger.settle(subject, sending: [])
            return 0
        }
        let from = try await self.sender()
        let reports = try await self.reports(of: subject, from: from)
        var messages: [Acceptance] = []
        var posted = 0
        var refused = 0
        for report in reports {
            let file = try report.compressed()
            for destination in destinations {
                switch destination {
                case .mail(let address, let limit):
                    guard let message = try await self.message(report, file, from: from, to: address, limit) else {
                        continue
                    }
                    messages.append(message)
                case .web(let url):
                    if await self.means.post(url, report.mediaType, file) { posted += 1 } else { refused += 1 }
                }
            }
        }
        try Task.checkCancellation()
        // Only where nobody else has got it, it is tried again.
        guard messages.count + posted > 0 || refused == 0 || isLast else { return 0 }
        try await self.ledger.settle(subject, sending: messages)
        for _ in 0..<(messages.count + posted) { Metrics.countSent(subject.kind) }
        if messages.count + posted > 0 {
            Logger.current.info(
                "Report sent",
                metadata: ["recipient": "\(subject.domain)", "reply": "\(messages.count) by mail, \(posted) posted"]
            )
        }
        return messages.count + posted
    }

    private func reports(of subject: ReportSubject, from: EmailAddress) async throws -> [ReportMessage] {
        let tallies = try await self.ledger.tallies(of: subject)
        let begin = Int64(subject.day) * 86_400
        let end = begin + 86_399
        let submitter = from.domain
        switch subject.kind {
        case .aggregate:
            return AggregateReport.reports(
                of: tallies,
                about: subject.domain,
                by: self.options.organisation,
                email: "\(from)",
                from: begin,
                to: end
            ) {
                self.identifier
            }.map { ReportMessage($0, submitter: submitter) }
        case .tls:
            let report = TLSReport(
                of: tallies,
                about: subject.domain,
                by: self.options.organisation,
                contact: "\(from)",
                id: self.identifier,
                from: begin,
                to: end
            )
            return report.map { [ReportMessage($0, domain: subject.domain, submitter: submitter)] } ?? []
        }
    }

    /// An identifier that no other report has.
    private var identifier: String {
        let digits = self.random(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "\(digits)@\(self.options.hostname)"
    }

    /// The report on its way to one address; nil if it does not get one.
    private func message(
        _ report: ReportMessage,
        _ file: [UInt8],
        from: EmailAddress,
        to address: EmailAddress,
        _ limit: Int?
    ) async throws -> Acceptance? {
        let time = UnixTime(self.time.unixTime())
        let message = report.composed(
            from: AddressMailbox(localPart: Array(from.localPart.utf8), domain: Array(from.domain.utf8)),
            to: AddressMailbox(localPart: Array(address.localPart.utf8), domain: Array(address.domain.utf8)),
            at: time,
            random: self.random(16),
            file: file
        )
        guard message.count <= limit ?? .max else { return self.leaveOut(address, "it is larger than is wanted") }
        var signature: [UInt8] = []
        if let domain = DomainName(from.domain) { signature = try await self.means.sign(message, domain) }
        // RFC 8460 §5.3: nobody would read it.
        guard report.kind == .aggregate || !signature.isEmpty else {
            return self.leaveOut(address, "\(from.domain) has no key to sign it (letterhouse dkim)")
        }
        var local: [AccountID] = []
        var remote: [RemoteRecipient] = []
        switch try await self.means.route(address.localPart, address.domain) {
        case .unknownMailbox: return self.leaveOut(address, "it is unknown here")
        case .local(let accounts, let forwards):
            local = accounts
            remote = forwards.map { RemoteRecipient(localPart: $0.localPart, domain: $0.domain, notify: []) }
        case .remote:
            remote = [RemoteRecipient(localPart: address.localPart, domain: address.domain, notify: [])]
        }
        let returnPath = Array("Return-Path: <\(from)>\r\n".utf8)
        let octets = returnPath + signature + message
        var stage = self.ledger.stage(limit: octets.count)
        try await stage.append(octets[...])
        return Acceptance(
            message: try await stage.finish(),
            relayFrom: returnPath.count,
            // SPF is for this domain, and who cannot deliver it tells our postmaster; nobody here does (NOTIFY=NEVER).
            reversePath: "\(from)",
            local: local,
            remote: remote,
            receivedAt: time
        )
    }

    private func leaveOut(_ address: EmailAddress, _ reason: String) -> Acceptance? {
        Logger.current.notice(
            "Report is not sent",
            metadata: ["recipient": "\(address)", "reply": "\(reason)"]
        )
        return nil
    }

    /// Who reports are from: the settings' address, or the postmaster of the domain here that this host is in.
    private func sender() async throws -> EmailAddress {
        if let from = self.options.from { return from }
        let domains = Set(try await self.means.domains())
        var domain = self.options.hostname
        var candidate = domain[...]
        while !candidate.isEmpty {
            if domains.contains(String(candidate)) {
                domain = String(candidate)
                break
            }
            candidate = candidate.drop { $0 != "." }.dropFirst()
        }
        return try EmailAddress(localPart: "postmaster", domain: domain)
    }
}
