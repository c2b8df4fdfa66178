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
            return MailTransaction.Recipient(address, .local(accounts))
        case .unknownMailbox:
            throw Reply.mailboxUnavailable
        case .remote:
            guard view.role.isSubmission, view.account != nil else { throw Reply.relayingDenied }
            return MailTransaction.Recipient(address, .remote)
        }
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
