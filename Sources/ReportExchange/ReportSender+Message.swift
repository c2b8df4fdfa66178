// SPDX-License-Identifier: Apache-2.0

import DomainReports
import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SenderAuthentication

extension ReportSender {
    /// The report on its way to one address; nil if it does not get one.
    func message(
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
    func sender() async throws -> EmailAddress {
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
