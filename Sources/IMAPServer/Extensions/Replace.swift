// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// REPLACE and UID REPLACE, RFC 8508: APPEND and EXPUNGE in one step, which happens or does not.
struct ReplaceCommand: UIDCommand, MessageCommand, IMAPExtension {
    static let name = "REPLACE"
    static let states: Set<SessionState> = [.selected]
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["REPLACE"] }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    private let addressing: Addressing
    private let message: SequenceSet
    private let mailbox: MailboxName
    let elements: [AppendMessages.Element]

    // replace = "REPLACE" SP seq-number SP mailbox append-message
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        let start = try Self(beginning: &parser, addressing: addressing)
        (self.addressing, self.message, self.mailbox) = (addressing, start.message, start.mailbox)
        self.elements = try AppendMessages.complete(&parser)
    }

    // "REPLACE" SP seq-number SP mailbox
    init(beginning parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.message = try parser.oneSequenceNumber()
        try parser.sp()
        self.mailbox = try parser.mailbox()
        self.elements = []
    }

    func target(_ view: SessionView) throws(Refusal) -> MessageTarget {
        let (selected, store) = (try view.writableMailbox(), try view.store())
        guard let uid = try view.resolve(self.message, self.addressing).first else {
            throw Refusal("No message has this number", code: .nonexistent)
        }
        let isCondstore = view.isCondstore
        let name = self.addressing == .uids ? "UID \(Self.name)" : Self.name
        var target = MessageTarget(name: name, mailbox: self.mailbox, store: store) { messages, mailbox, output in
            guard let message = messages.first else { return Outcome() }
            do {
                let receipt = try await store.replace(uid, in: selected.id, with: message, in: mailbox)
                // Before the EXPUNGE, so that clients know the new message first (RFC 8508 §4.3).
                output.writer.untagged(.ok, code: ResponseCode(receipt), "Replacement message ready")
                var outcome = Outcome()
                outcome.removed = [uid]
                outcome.change = .added(mailbox, receipt.uids)
                outcome.tellsHighestModSeq = isCondstore
                return outcome
            } catch StoreError.expunged {
                throw Refusal("The message no longer exists", code: .expungeIssued)
            }
        }
        target.count = 1
        let added = Footprint.Extent(mailbox: self.mailbox.text, messages: .added)
        target.footprint = Footprint(reads: .mailboxes, expunges: true)
            .writing(messages: try view.extent(of: self.message, self.addressing), added)
        return target
    }
}
