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
    /// RFC 6154 §3.
    private var uses: [String] = []

    // create       = "CREATE" SP mailbox [create-params]
    // create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        if parser.accept(UInt8(ascii: " ")) {
            // RFC 4466 §2.2.
            let parameters = try parser.parenthesized(maximum: 1) {
                (parser: inout CommandParser) throws(SyntaxError) in
                try parser.expect(keyword: "USE")
                try parser.sp()
                return try parser.parenthesized(maximum: 16, mayBeEmpty: true) {
                    (parser: inout CommandParser) throws(SyntaxError) in
                    try parser.expect(UInt8(ascii: "\\"), "use-attr")
                    return "\\" + (try parser.atom())
                }
            }
            self.uses = parameters.flatMap { $0 }
        }
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name, created) = (try view.store(), self.mailbox.text, self.mailbox)
        let uses = try SpecialUse.assignable(named: self.uses, to: self.mailbox)
        return Work(Footprint(writes: .mailboxes)) { _ in
            let mailbox = try await store.createMailbox(named: name, specialUses: uses)
            return Outcome(code: .mailboxID(ObjectID.mailbox(mailbox.id)), change: .created(created))
        }
    }
}
