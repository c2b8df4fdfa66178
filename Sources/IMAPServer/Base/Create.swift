// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// CREATE, RFC 9051 §6.3.4.
///
/// Missing mailboxes above it are made too.
struct CreateCommand: IMAPCommand {
    static let name = "CREATE"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // create = "CREATE" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), self.mailbox.text)
        return Work(Footprint(writes: .mailboxes)) { _ in
            let mailbox = try await store.createMailbox(named: name, specialUse: nil)
            return Outcome(code: .mailboxID(ObjectID.mailbox(mailbox.id)))
        }
    }
}
