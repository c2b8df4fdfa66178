// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax

/// What there is to do.
extension Attempt {
    /// Everything about the message that does not depend on the host.
    struct Plan {
        let entry: QueueEntry
        var transaction: ClientTransaction
        /// Those who have no verdict yet.
        var recipients: [ClientTransaction.Recipient]
        let content: QueuedContent
        let header: [UInt8]
        let login: ClientLogin?
    }

    /// Nil if nothing of it is to be done any more, or all recipients have got their verdict already.
    func plan(_ findings: inout Findings) async throws -> Plan? {
        let now = UnixTime(self.service.time.unixTime())
        guard let (entry, due) = try await self.service.due(self.consignment, at: now) else { return nil }
        findings.entry = entry
        let (here, elsewhere) = try await self.service.recipientsHere(due, of: entry)
        if !here.isEmpty { self.desk.settle(self.consignment, entry, here) }
        let recipients = elsewhere.compactMap(ClientTransaction.Recipient.init)
        let known = Set(recipients.map(\.number))
        let impossible = elsewhere.map(\.number).filter { !known.contains($0) }
        findings.add(impossible, .failed(DeliveryStatus(EnhancedStatusCode(5, 1, 3), "the address is not valid")))
        guard !recipients.isEmpty else { return nil }
        guard let reversePath = Self.reversePath(entry.reversePath) else {
            findings.add(
                known,
                .failed(DeliveryStatus(EnhancedStatusCode(5, 1, 7), "the sender's address is not valid"))
            )
            return nil
        }
        do {
            var content = QueuedContent(entry, in: self.service.queue)
            let header = try await self.header(of: &content, needed: entry.isInternationalized)
            var transaction = ClientTransaction(reversePath: reversePath, recipients: [], size: content.size)
            transaction.isEightBit = entry.isEightBit
            transaction.requiresTLS = entry.requiresTLS
            transaction.returnContent = entry.returnsFull.map { $0 ? .full : .headers }
            transaction.envelopeIdentifier = entry.envelopeID
            if entry.isInternationalized { transaction.needsInternationalization = header.contains { $0 > 0x7F } }
            return Plan(
                entry: entry,
                transaction: transaction,
                recipients: recipients,
                content: content,
                header: header,
                login: try await self.login()
            )
        } catch {
            try Task.checkCancellation()
            Logger.current.error(
                "Message cannot be attempted",
                metadata: ["queue_id": "\(entry.id.rawValue)", "error": "\(error)"]
            )
            findings.add(known, .deferred(SessionFailure.local("the message cannot be sent now").status))
            return nil
        }
    }

    /// The header; empty if the message cannot be read now, which ends the attempt only when it comes to sending it: a host may
    /// refuse a message that the store has lost.
    private func header(of content: inout QueuedContent, needed: Bool) async throws -> [UInt8] {
        do {
            try await content.readHead()
            return try await content.header()
        } catch  where !needed && !Task.isCancelled {
            return []
        }
    }

    private static func reversePath(_ text: String) -> Path? {
        guard !text.isEmpty else { return .null }
        return (try? EmailAddress(parsing: text)).map { .address($0.withALabels) }
    }

    private func login() async throws -> ClientLogin? {
        guard let login = self.smarthost?.login else { return nil }
        return ClientLogin(user: login.user, password: try await login.password())
    }
}
