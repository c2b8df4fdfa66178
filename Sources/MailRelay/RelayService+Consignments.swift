// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax

/// What a consignment is at this moment, by the queue.
extension RelayService {
    /// The consignment as it is now; nil if nothing of it is to be done any more.
    func due(
        _ consignment: Consignment,
        at now: UnixTime
    ) async throws -> (entry: QueueEntry, recipients: [QueueEntry.Recipient])? {
        guard let entry = try await self.queue.entry(consignment.entry), !entry.isOnHold else { return nil }
        let recipients = entry.recipients.filter {
            $0.nextAttempt <= now
                && Destination($0.recipient, from: entry.reversePath, self.options) == consignment.destination
        }
        return recipients.isEmpty ? nil : (entry, recipients)
    }

    /// Defers a consignment without an attempt; when it is due again, nil if nothing of it is to be done any more.
    func postpone(
        _ consignment: Consignment,
        at now: UnixTime,
        _ until: UnixTime,
        _ reason: DeliveryStatus
    ) async throws -> UnixTime? {
        guard let (entry, recipients) = try await self.due(consignment, at: now) else { return nil }
        // Who is here need not wait for a host elsewhere.
        let (here, others) = try await self.recipientsHere(recipients, of: entry)
        var verdicts = here
        for recipient in others { verdicts[recipient.number] = .deferred(reason) }
        return await Settlement(
            service: self,
            entry: entry,
            verdicts: verdicts,
            notBefore: until
        ).run()
    }

    /// What becomes of those who have mailboxes here, which only a message has that was held (RFC 4865); and the others.
    func recipientsHere(
        _ recipients: [QueueEntry.Recipient],
        of entry: QueueEntry
    ) async throws -> (verdicts: [Int: Verdict], others: [QueueEntry.Recipient]) {
        guard entry.releasedAt != nil else { return ([:], recipients) }
        var verdicts: [Int: Verdict] = [:]
        var others: [QueueEntry.Recipient] = []
        for recipient in recipients {
            let route: RecipientRoute
            do {
                route = try await self.route(recipient.recipient.localPart, recipient.recipient.domain)
            } catch {
                try Task.checkCancellation()
                verdicts[recipient.number] = .deferred(
                    SessionFailure.local("the recipient cannot be looked up now").status
                )
                continue
            }
            switch route {
            case .remote: others.append(recipient)
            // To others elsewhere the message goes by itself.
            case .local(let accounts, _) where !accounts.isEmpty: verdicts[recipient.number] = .deliveredHere(accounts)
            case .local, .unknownMailbox:
                verdicts[recipient.number] = .failed(
                    DeliveryStatus(EnhancedStatusCode(5, 1, 1), "the mailbox is not here any more")
                )
            }
        }
        return (verdicts, others)
    }
}
