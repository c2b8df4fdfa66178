// SPDX-License-Identifier: Apache-2.0

import Cryptography
import DomainReports
import MailConnection
import MailNetwork
import MailRelay
import MailStorage
import ReportExchange
import SASLMechanisms
import SMTPServer
import SMTPSyntax
import SQLiteStorage
import SenderAuthentication
import ServiceLifecycle

/// Everything about reports: what others see of a domain, and how TLS with its hosts goes.
struct Reports {
    let collector: ReportCollector?
    let sender: ReportSender?
    let reader: ReportReader?
    /// Is told of what other servers bring.
    let observer: ArrivalObserver?
    /// Is told how TLS with other servers goes.
    let observeTLS: @Sendable (TLSObservation) -> Void

    var services: [any Service] {
        [self.collector, self.sender, self.reader].compactMap { (service: (any Service)?) in service }
    }

    /// Sends at once what has been counted so far; nil if nothing is sent at all.
    var sendNow: (@Sendable () async throws -> Int)? {
        guard let collector = self.collector, let sender = self.sender else { return nil }
        return {
            await collector.flush()
            return try await sender.send(isAtOnce: true)
        }
    }
}

extension Appliance {
    /// `senders`: who finds out who sent mail, without whom there is nothing to report about mail.
    func reports(time: TimeSource, senders: SenderPolicy?, signing: SigningPolicy) throws -> Reports {
        let (settings, store) = (self.settings.reports, self.store)
        var options = ReportSender.Options(hostname: self.settings.hostname)
        options.organisation = settings.organisation ?? self.settings.hostname
        options.from = settings.from
        options.kinds = []
        // What was counted before senders were no longer checked is not sent either.
        if settings.sendsDMARC, senders != nil { options.kinds.insert(.aggregate) }
        if settings.sendsTLS { options.kinds.insert(.tls) }
        let isSending = !options.kinds.isEmpty
        let collector = isSending ? ReportCollector(ledger: store, time: time) : nil
        let work = PasswordWork(width: 1)
        let reader = senders.map { _ in
            ReportReader(ledger: store, domains: { try await store.domains() }, time: time) { body in
                try await work.run(body)
            }
        }
        let observesMail = settings.sendsDMARC && senders != nil
        let intake = ReportIntake(collector: observesMail ? collector : nil, reader: reader)
        let observesTLS = settings.sendsTLS
        return Reports(
            collector: collector,
            sender: isSending
                ? try self.reportSender(options, time: time, senders: senders, signing: signing) : nil,
            reader: reader,
            observer: ArrivalObserver { intake.take($0.message, $0.verdict, isJunk: $0.isJunk) },
            observeTLS: { observation in
                if observesTLS { collector?.count(TLSTally(observation)) }
            }
        )
    }

    private func reportSender(
        _ options: ReportSender.Options,
        time: TimeSource,
        senders: SenderPolicy?,
        signing: SigningPolicy
    ) throws -> ReportSender {
        let store = self.store
        let post = ReportPost(
            trust: try TLSClientContext(trust: .system),
            resolver: self.names,
            time: time
        )
        return ReportSender(
            options: options,
            ledger: store,
            discovery: ReportDiscovery(
                names: SenderNames(resolver: self.names.resolver),
                // Without it no mail is counted; for reports about TLS it only says whose names belong together.
                suffixes: senders?.authenticator.suffixes ?? (try? self.settings.senders.publicSuffixes())
                    ?? PublicSuffixList()
            ),
            means: ReportSender.Means(
                domains: { try await store.domains() },
                route: { try await store.route(localPart: $0, domain: $1) },
                sign: { try await signing.signature(of: $0, by: $1, unixTime: time.unixTime()) },
                post: { await post.post($2, of: $1, to: $0) }
            ),
            time: time,
            random: RelayService.systemRandom
        )
    }
}

extension TLSTally {
    fileprivate init(_ observation: TLSObservation) {
        let policy = TLSReport.Policy(
            type: observation.policy.kind.rawValue,
            strings: observation.policy.strings,
            domain: observation.domain,
            hostPatterns: observation.policy.hostPatterns
        )
        guard observation.result != .success else {
            self.init(policy: policy, failure: nil)
            return
        }
        self.init(
            policy: policy,
            failure: TLSReport.Failure(
                type: observation.result.rawValue,
                host: observation.host,
                address: observation.address?.description,
                sender: observation.ownAddress?.description,
                count: 0,
                reason: observation.reason
            )
        )
    }
}
