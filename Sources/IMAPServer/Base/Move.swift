// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// MOVE and UID MOVE, RFC 9051 §6.4.8.
struct MoveCommand: UIDCommand {
    static let name = "MOVE"
    static let states: Set<SessionState> = [.selected]

    private let addressing: Addressing
    private let messages: SequenceSet
    private let mailbox: MailboxName

    // move = "MOVE" SP sequence-set SP mailbox
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.messages = try parser.sequenceSet()
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let selected = try view.writableMailbox()
        let store = try view.store()
        let uids = try view.resolve(self.messages, self.addressing)
        let name = self.mailbox.text
        let moved = try view.extent(of: self.messages, self.addressing)
        let footprint = Footprint(reads: .mailboxes, expunges: true).reading(flags: moved)
            .writing(messages: moved, Footprint.Extent(mailbox: name, messages: .added))
        return Work(footprint) { output in
            guard let target = try await store.mailbox(named: name, needing: .insert) else { throw Refusal.tryCreate }
            guard !uids.isEmpty else { return Outcome() }
            let receipt = try await store.move(uids, from: selected.id, to: target.id)
            // Before the EXPUNGEs, so that clients still know the messages (RFC 9051 §6.4.8).
            if let code = ResponseCode(receipt) { output.writer.untagged(.ok, code: code, "Moved") }
            var outcome = Outcome()
            outcome.removed = receipt.source
            outcome.change = .added(target.id, receipt.target)
            // RFC 6851 §4.4: to everybody.
            outcome.tellsHighestModSeq = !receipt.source.isEmpty
            return outcome
        }
    }
}
