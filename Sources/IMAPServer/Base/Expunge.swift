// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// EXPUNGE, RFC 9051 §6.4.3, and UID EXPUNGE, §6.4.9.
struct ExpungeCommand: UIDCommand {
    static let name = "EXPUNGE"
    static let states: Set<SessionState> = [.selected]

    /// Nil: all that have `\Deleted`.
    private let messages: SequenceSet?

    // expunge     = "EXPUNGE"
    // uid-expunge = "UID" SP "EXPUNGE" SP sequence-set
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        switch addressing {
        case .sequenceNumbers: self.messages = nil
        case .uids:
            try parser.sp()
            self.messages = try parser.sequenceSet()
        }
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let selected = try view.writableMailbox()
        let store = try view.store()
        let uids: [UID]? = if let messages = self.messages { try view.resolve(messages, .uids) } else { nil }
        let extent =
            if let messages = self.messages { try view.extent(of: messages, .uids) } else { try view.extent() }
        let footprint = Footprint(reads: .mailboxes, expunges: true).reading(flags: extent).writing(messages: extent)
        let isCondstore = view.isCondstore
        return Work(footprint) { _ in
            var outcome = Outcome()
            let expunged = try await store.expunge(uids, in: selected.id)
            outcome.removed = expunged
            outcome.tellsHighestModSeq = isCondstore && !expunged.isEmpty
            return outcome
        }
    }
}
