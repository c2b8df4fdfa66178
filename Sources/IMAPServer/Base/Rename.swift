// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// RENAME, RFC 9051 §6.3.6.
///
/// Mailboxes below it go along; `INBOX` gives its messages and stays.
struct RenameCommand: IMAPCommand {
    static let name = "RENAME"
    static let states = Set<SessionState>.loggedIn
    private let from: MailboxName
    private let to: MailboxName

    // rename = "RENAME" SP mailbox SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.from = try parser.mailbox()
        try parser.sp()
        self.to = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, from, to) = (try view.store(), self.from, self.to)
        return Work(Footprint(writes: [.mailboxes, .messages])) { _ in
            try await store.renameMailbox(from: from.text, to: to.text)
            return Outcome(effect: .renamed, change: .renamed(from: from, to: to))
        }
    }
}
