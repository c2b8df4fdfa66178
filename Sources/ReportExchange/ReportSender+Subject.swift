// SPDX-License-Identifier: Apache-2.0

import DomainReports
import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SenderAuthentication

/// The reports to one domain about one day.
extension ReportSender {
    func send(_ subject: ReportSubject, to destinations: [ReportURI], _ pass: inout ReportPass) async throws -> Int {
        guard !destinations.isEmpty else {
            try await self.ledger.settle(subject, nil, sending: [])
            return 0
        }
        let receivers = destinations.map(self.receiver)
        // Who has got so many waits for the next pass.
        guard receivers.allSatisfy({ pass.hasRoom(for: $0) }) else { return 0 }
        let from = try await self.sender()
        let tallies = try await self.ledger.tallies(of: subject)
        var messages: [Acceptance] = []
        var posted = 0
        var refused = 0
        for report in self.reports(of: subject, tallies, from: from) {
            let file = try report.compressed()
            for (destination, receiver) in zip(destinations, receivers) {
                switch destination {
                case .mail(let address, let limit):
                    guard let message = try await self.message(report, file, from: from, to: address, limit) else {
                        continue
                    }
                    messages.append(message)
                    pass.count(receiver)
                case .web(let url):
                    // A server that does not answer costs a minute, once.
                    guard !pass.failed.contains(receiver), await self.means.post(url, report.mediaType, file) else {
                        pass.failed.insert(receiver)
                        refused += 1
                        continue
                    }
                    posted += 1
                    pass.count(receiver)
                }
            }
        }
        let count = messages.count + posted
        // Only where nobody else has got it, it is tried again; and all of it where more has been counted meanwhile.
        guard count > 0 || refused == 0, try await self.ledger.settle(subject, tallies, sending: messages) else {
            return 0
        }
        for _ in 0..<count { Metrics.countSent(subject.kind) }
        if count > 0 {
            Logger.current.info(
                "Report sent",
                metadata: ["recipient": "\(subject.domain)", "reply": "\(messages.count) by mail, \(posted) posted"]
            )
        }
        return count
    }

    /// Who is behind a destination.
    private func receiver(_ destination: ReportURI) -> DomainName? {
        let host: Substring =
            switch destination {
            case .mail(let address, _): address.domain[...]
            case .web(let url): url.dropFirst("https://".count).prefix { !"/?#:".contains($0) }
            }
        return DomainName(host).map(self.discovery.organization)
    }

    private func reports(
        of subject: ReportSubject,
        _ tallies: [(text: String, count: Int)],
        from: EmailAddress
    ) -> [ReportMessage] {
        let begin = Int64(subject.day) * 86_400
        // Nothing is said of what is still to come.
        let end = max(begin, min(begin + 86_399, self.time.unixTime()))
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
                self.identifier(of: subject, $0, end: end)
            }.map { ReportMessage($0, submitter: submitter) }
        case .tls:
            let report = TLSReport(
                of: tallies,
                about: subject.domain,
                by: self.options.organisation,
                contact: "\(from)",
                id: self.identifier(of: subject, 0, end: end),
                from: begin,
                to: end
            )
            return report.map { [ReportMessage($0, domain: subject.domain, submitter: submitter)] } ?? []
        }
    }

    /// An identifier that no other report has, and that this one keeps if it has to be sent again.
    private func identifier(of subject: ReportSubject, _ number: Int, end: Int64) -> String {
        let name = "\(subject.kind.rawValue) \(subject.domain) \(end) \(number)"
        let digits = String(self.hash("\(self.options.hostname) \(name)"), radix: 16)
        return "\(digits)@\(self.options.hostname)"
    }
}
