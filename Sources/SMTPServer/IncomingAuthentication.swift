// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax
import SenderAuthentication

/// Finds out who sent a message that another server brings, while it arrives: SPF before it, DKIM and DMARC at its end.
///
/// Whatever the name system does, mail is neither lost nor kept waiting for long: what nobody could answer in time is a
/// temporary error, and a message about which only that is known is accepted.
struct IncomingAuthentication {
    /// What follows for the message.
    struct Verdict {
        /// Authentication-Results.
        var field: [UInt8]
        var isJunk = false
        /// Why it is dealt with as it is.
        var reasons: [String] = []
        /// The message is not taken.
        var refusal: Reply?
        /// What was found out.
        var details: AuthenticationVerdict
    }

    private let policy: SenderPolicy
    private let service: SMTPService
    private var message: MessageAuthentication

    /// Nil where nobody asks: about our own users, and machines that are exempt.
    init?(_ view: SMTPView, _ transaction: MailTransaction) {
        guard view.role == .exchange, let policy = view.service.senders,
            let address = try? IPAddress(parsing: view.peer.address), !policy.isExempt(address.unmapped)
        else { return nil }
        self.policy = policy
        self.service = view.service
        self.message = policy.authenticator.message(
            from: address,
            reversePath: transaction.reversePath.address.map { ($0.localPart, $0.domain) },
            helo: view.clientName ?? ""
        )
    }

    /// Asks about the client, before the message comes.
    mutating func checkHost() async {
        await self.message.checkHost(
            asking: self.names(within: self.policy.hostTimeout),
            unixTime: self.service.time.unixTime()
        )
    }

    /// Takes the next octets of the message as it comes.
    mutating func update(_ octets: ArraySlice<UInt8>) { self.message.update(octets) }

    /// The end of the message; throws `CancellationError` where there was no time to ask.
    mutating func finish() async throws -> Verdict {
        let verdict = await self.message.finish(
            asking: self.names(within: self.policy.messageTimeout),
            unixTime: self.service.time.unixTime(),
            lot: Int(self.service.random(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) } % 100)
        )
        // Who is cancelled gets no answers, and must not take that for the name system's.
        try Task.checkCancellation()
        Metrics.count(dmarc: verdict.dmarc.result)
        var result = Verdict(field: verdict.results.field, details: verdict)
        guard self.policy.enforces else { return result }
        switch (verdict.dmarc.result, verdict.dmarc.disposition) {
        case (.temperror, _):
            // The author's domain wants forgeries refused, and this may be one: the client shall come again.
            switch verdict.dmarc.policy {
            case .reject: result.refusal = .senderUnknownForNow(verdict.dmarc)
            case .quarantine: result.isJunk = true
            case .none: break
            }
        case (_, .reject): result.refusal = .senderRefused(verdict.dmarc)
        case (_, .quarantine): result.isJunk = true
        case (_, .none): break
        }
        if result.isJunk {
            let domain = verdict.dmarc.domain.map { "\($0)" } ?? "a domain in From"
            result.reasons.append("junk: \(domain) wants mail that is not shown to be its own treated so (DMARC)")
        }
        return result
    }

    private func names(within limit: Duration) -> BoundedNames {
        let time = self.service.time
        return BoundedNames(names: self.policy.authenticator.names, deadline: time.now() + limit, time: time)
    }
}

extension Reply {
    /// RFC 7489 §10.3.
    ///
    /// A domain that could be parsed consists of letters, digits, hyphens and underscores.
    fileprivate static func senderRefused(_ outcome: DMARCOutcome) -> Reply {
        let text =
            if let domain = outcome.domain {
                "\(domain) refuses mail in its name that neither SPF nor DKIM shows to be its own (DMARC)"
            } else {
                "From does not name one author, and a domain in it wants such mail refused (DMARC)"
            }
        return Reply(550, EnhancedStatusCode(5, 7, 1), text)
    }

    fileprivate static func senderUnknownForNow(_ outcome: DMARCOutcome) -> Reply {
        let domain = outcome.domain.map { " of \($0)" } ?? ""
        return Reply(451, EnhancedStatusCode(4, 7, 1), "Cannot check the sender\(domain) now (DNS): try again later")
    }
}
