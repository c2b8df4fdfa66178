// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// COPY and UID COPY, RFC 9051 §6.4.7: all or none.
struct CopyCommand: UIDCommand {
    static let name = "COPY"
    static let states: Set<SessionState> = [.selected]

    private let addressing: Addressing
    private let messages: SequenceSet
    private let mailbox: MailboxName

    // copy = "COPY" SP sequence-set SP mailbox
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.messages = try parser.sequenceSet()
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let selected = try view.mailbox()
        let store = try view.store()
        let uids = try view.resolve(self.messages, self.addressing)
        let name = self.mailbox.text
        let copied = try view.extent(of: self.messages, self.addressing)
        let footprint = Footprint(reads: .mailboxes).reading(flags: copied).reading(messages: copied)
            .writing(messages: Footprint.Extent(mailbox: name, messages: .added))
        return Work(footprint) { _ in
            guard let target = try await store.mailbox(named: name, needing: .insert) else { throw Refusal.tryCreate }
            guard !uids.isEmpty else { return Outcome() }
            let receipt = try await store.copy(uids, from: selected.id, to: target.id)
            return Outcome(code: ResponseCode(receipt), change: .added(target.id, receipt.target))
        }
    }
}

extension ResponseCode {
    /// COPYUID, if anything was copied (RFC 9051 §7.1).
    init?(_ receipt: CopyReceipt) {
        guard !receipt.source.isEmpty else { return nil }
        self = .copyUID(
            uidValidity: receipt.uidValidity.rawValue,
            from: NumberSet(ascending: receipt.source.map(\.rawValue)),
            to: NumberSet(ascending: receipt.target.map(\.rawValue))
        )
    }
}
