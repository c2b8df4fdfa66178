// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// DELETE, RFC 9051 §6.3.5.
///
/// Mailboxes below it stay.
struct DeleteCommand: IMAPCommand {
    static let name = "DELETE"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // delete = "DELETE" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name, deleted) = (try view.store(), self.mailbox.text, self.mailbox)
        return Work(Footprint(writes: [.mailboxes, .messages])) { _ in
            try await store.deleteMailbox(named: name)
            return Outcome(change: .deleted(deleted))
        }
    }
}
