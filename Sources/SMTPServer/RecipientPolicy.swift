// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax
import SenderAuthentication

/// For whom mail is accepted: the one place that decides about relaying.
///
/// Mail for our own mailboxes from everybody, mail for others from our authenticated users only. Where a connection
/// comes from, what its client calls itself and whom it names as the sender never make a difference. Decided at RCPT,
/// so that what cannot be delivered is never taken, and no report about it is ever owed to anybody (RFC 5321 §7.2,
/// §7.8). `postmaster` and `abuse` of each domain are there (RFC 5321 §4.5.1, RFC 2142 §5).
enum RecipientPolicy {
    /// Where the mail would go.
    ///
    /// Throws `Reply` for a refusal, or `StoreError`.
    static func recipient(_ path: Path, _ view: SMTPView) async throws -> MailTransaction.Recipient {
        let address = try await self.address(of: path, view)
        switch try await self.route(to: address, view) {
        case .local(let accounts, let forwards):
            for account in accounts { try await self.requireRoom(in: account, view) }
            let forward = try await view.service.forward(
                forwards,
                reversePath: view.transaction?.reversePath ?? .null,
                domain: address.domain
            )
            guard !accounts.isEmpty || forward != nil else { throw Reply.mailboxUnavailable }
            return MailTransaction.Recipient(address, .local(accounts, forward))
        case .unknownMailbox:
            throw Reply.mailboxUnavailable
        case .remote:
            guard view.role.isSubmission, view.account != nil else { throw Reply.relayingDenied }
            return MailTransaction.Recipient(address, .remote)
        }
    }

    /// Where mail for the address goes; to the sender, if it is one that we have sent a message on with.
    ///
    /// Such an address takes reports only, so that it is of no use to anybody else who has seen it.
    private static func route(to address: EmailAddress, _ view: SMTPView) async throws -> RecipientRoute {
        let service = view.service
        // Domains here are known by their A-labels, whichever way somebody writes them.
        let domain = Punycode.aLabels(of: address.domain) ?? address.domain
        let route = try await service.directory.route(localPart: address.localPart, domain: domain)
        guard route != .remote, service.origin(of: address) != .itself else { return route }
        guard view.transaction?.reversePath == .null else { throw Reply.mailboxUnavailable }
        return try await service.reportRoute(localPart: address.localPart, domain: address.domain)
    }

    /// Refuses a recipient who has no room for the message, as far as its size is known (RFC 1870 §6.1), so that the
    /// others need not wait for that one.
    private static func requireRoom(in account: AccountID, _ view: SMTPView) async throws {
        let quota = try await view.service.directory.mailStore(of: account).quota()
        let size = Int64(clamping: view.transaction?.declaredSize ?? 0)
        if let limit = quota.limits.octets, size > limit { throw Reply.exceedsQuota }
        guard !quota.forbids(messages: 1, octets: max(size, 1)) else { throw Reply.mailboxFull }
    }

    /// `<Postmaster>` without a domain is that of our first domain (RFC 5321 §4.5.1).
    private static func address(of path: Path, _ view: SMTPView) async throws -> EmailAddress {
        switch path {
        case .address(let address): return address
        case .null: throw Reply.mailboxNameNotAllowed
        case .postmaster:
            guard let domain = try await view.service.directory.domains().first else { throw Reply.mailboxUnavailable }
            return try EmailAddress(localPart: "postmaster", domain: domain)
        }
    }
}
