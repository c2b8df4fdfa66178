// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What FETCH does when it runs: one response for each message that is still there, in ascending order.
///
/// Messages may have gone since the command was read, in the store or also for the client; they are passed over, and the
/// completion says `EXPUNGEISSUED` (RFC 9051 §7.1). Numbers are those of the client at the moment the command began to
/// run: nobody is told of an EXPUNGE until it ends.
struct FetchAnswer: Sendable {
    let items: [any FetchItem]
    let needs: FetchNeeds
    /// Ascending.
    let uids: [UID]
    let isRev2: Bool
    /// Whether the client keeps mod-sequences: it is told those of messages that become `\Seen` (RFC 7162 §3.2.4).
    var isCondstore = false
    /// Passes over what has not changed after this mod-sequence (RFC 7162 §3.1.4.1).
    var changedSince: ModSeq?

    /// Answers what the resident index alone knows.
    func writeFromMemory(_ output: inout CommandOutput) async throws -> Outcome {
        let (mailbox, index) = try self.mailbox(output)
        let uids = self.wanted(index)
        guard let first = uids.first else { return Outcome() }
        let immediate = self.items.compactMap { $0 as? any ImmediateFetchItem }
        guard immediate.count == self.items.count else { throw StoreError.corrupt("an item that needs the store") }
        var lookup = index.lookup
        var message = FetchedMessage(unknown: first, in: index)
        var (next, position, count) = (0, 0, 0)
        while next < uids.count {
            // No suspension between responses, for there may be a million.
            while next < uids.count, !output.isDue {
                let uid = uids[next]
                next += 1
                guard let number = mailbox.number(of: uid, from: &position), let slot = lookup.slot(uid) else {
                    continue
                }
                message.become(
                    number: number,
                    uid: uid,
                    slot: slot,
                    isRecent: !self.isRev2 && uid >= mailbox.recentFrom
                )
                try Self.write(immediate, of: &message, to: &output)
                count += 1
            }
            try await output.flushIfLarge()
        }
        return Outcome(code: count < uids.count ? .expungeIssued : nil)
    }

    /// Answers what the store has to be asked for.
    ///
    /// With `setsSeen`, items that make messages `\Seen` do so: not in a mailbox that is read-only.
    func write(
        _ output: inout CommandOutput,
        from store: any MailStore,
        setsSeen: Bool
    ) async throws -> Outcome {
        let (mailbox, index) = try self.mailbox(output)
        var outcome = Outcome()
        // Before they become \Seen, which is a change too.
        let wanted = self.wanted(index)
        var changed: Set<UID> = []
        if setsSeen, let receipt = try await self.setSeen(wanted, index, in: mailbox.id, store) {
            changed = Set(receipt.updated)
            outcome.effect = .stored(
                SelectedMailbox.OwnChange(uids: receipt.updated, modSeq: receipt.modSeq, isTold: true)
            )
        }
        let itemsOfChanged = self.itemsOfChanged
        var count = 0
        var refusal: Refusal?
        var batch = FetchBatch(needs: self.needs)
        while let uids = batch.next(of: wanted) {
            let rows = try await store.messages(uids, in: mailbox.id, including: batch.parts)
            batch.note(rows)
            let (_, index) = try self.mailbox(output)
            for row in rows {
                guard var message = FetchedMessage(row.uid, in: mailbox, index, isRev2: self.isRev2) else { continue }
                message.take(row, from: store)
                if changed.contains(row.uid) { message.firstItems = itemsOfChanged }
                do {
                    if try await self.prepare(&message) {
                        try await self.write(&message, to: &output)
                        count += 1
                    }
                } catch let error as Refusal {
                    refusal = refusal ?? error
                }
            }
        }
        if let refusal { throw refusal }
        if count < wanted.count { outcome.code = .expungeIssued }
        return outcome
    }

    /// The messages to answer for; those that are gone are among them, to be missed.
    private func wanted(_ index: MailboxIndex) -> [UID] {
        guard let changedSince = self.changedSince else { return self.uids }
        var lookup = index.lookup
        return self.uids.filter { uid in lookup.slot(uid).map { $0.modSeq > changedSince } ?? true }
    }

    /// What a client is told of a message that becomes `\Seen`, besides what it asked for.
    private var itemsOfChanged: [any FetchItem] {
        let items: [any FetchItem] = self.isCondstore ? [UIDItem(), FlagsItem(), ModSeqItem()] : [FlagsItem()]
        let asked = Set(self.items.map { AnyHashable($0) })
        return items.filter { !asked.contains(AnyHashable($0)) }
    }

    private func mailbox(_ output: CommandOutput) throws -> (SelectedMailbox, MailboxIndex) {
        guard let mailbox = output.selected, let index = mailbox.resident.current else { throw Refusal.noSuchMailbox }
        return (mailbox, index)
    }

    /// Makes the messages `\Seen`; nil if all that are there have been.
    private func setSeen(
        _ uids: [UID],
        _ index: MailboxIndex,
        in mailbox: MailboxID,
        _ store: any MailStore
    ) async throws -> FlagReceipt? {
        var lookup = index.lookup
        let unseen = uids.filter { uid in lookup.slot(uid).map { !$0.flags.contains(.seen) } ?? false }
        guard !unseen.isEmpty else { return nil }
        let change = FlagChange(.add, FlagSet(system: .seen))
        do {
            return try await store.changeFlags(of: unseen, in: mailbox, change, unchangedSince: nil)
        } catch StoreError.noPermission {
            // RFC 4314 §4: they are fetched nevertheless.
            return nil
        }
    }

    /// False if the message is gone.
    private func prepare(_ message: inout FetchedMessage) async throws -> Bool {
        do {
            for item in self.items { try await item.prepare(&message) }
            return true
        } catch StoreError.expunged {
            return false
        }
    }

    /// Writes one response of items that need no suspension.
    private static func write(
        _ items: [any ImmediateFetchItem],
        of message: inout FetchedMessage,
        to output: inout CommandOutput
    ) throws(BrokenResponse) {
        Self.begin(message, &output)
        var isFirst = true
        for item in items {
            if !isFirst { output.writer.sp() }
            isFirst = false
            do { try item.write(&message, to: &output) } catch { throw BrokenResponse(cause: error) }
        }
        output.writer.raw(")\r\n")
    }

    /// Writes one response; whatever fails now, fails in the middle of it.
    private func write(_ message: inout FetchedMessage, to output: inout CommandOutput) async throws {
        do {
            try await self.writeResponse(&message, to: &output)
        } catch let error where error is CancellationError || error is BrokenResponse {
            throw error
        } catch {
            throw BrokenResponse(cause: error)
        }
        try await output.flushIfLarge()
    }

    // message-data = nz-number SP ("EXPUNGE" / ("FETCH" SP msg-att))
    // msg-att      = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
    private func writeResponse(_ message: inout FetchedMessage, to output: inout CommandOutput) async throws {
        Self.begin(message, &output)
        var isFirst = true
        for item in message.firstItems + self.items {
            if !isFirst { output.writer.sp() }
            isFirst = false
            try await item.write(&message, to: &output)
        }
        output.writer.raw(")\r\n")
    }

    private static func begin(_ message: FetchedMessage, _ output: inout CommandOutput) {
        output.writer.raw("* ")
        output.writer.number(UInt64(message.number))
        output.writer.raw(" FETCH (")
    }
}
