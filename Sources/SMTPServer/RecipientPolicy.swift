// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// For whom mail is accepted: the one place that decides about relaying.
///
/// Mail for our own mailboxes from everybody, mail for others from our authenticated users only. Where a connection
/// comes from, what its client calls itself and whom it names as the sender never make a difference. Decided at RCPT,
/// so that what cannot be delivered is never taken, and no report about it is ever owed to anybody (RFC 5321 §7.2,
/// §7.8).
enum RecipientPolicy {
    /// Where the mail would go.
    ///
    /// Throws `Reply` for a refusal, or `StoreError`.
    static func recipient(_ path: Path, _ view: SMTPView) async throws -> MailTransaction.Recipient {
        let address = try await self.address(of: path, view)
        switch try await view.service.directory.route(localPart: address.localPart, domain: address.domain) {
        case .local(let accounts):
            guard !accounts.isEmpty else { throw Reply.mailboxUnavailable }
            for account in accounts { try await self.requireRoom(in: account, view) }
            return MailTransaction.Recipient(address, .local(accounts))
        case .unknownMailbox:
            throw Reply.mailboxUnavailable
        case .remote:
            guard view.role.isSubmission, view.account != nil else { throw Reply.relayingDenied }
            return MailTransaction.Recipient(address, .remote)
        }
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
