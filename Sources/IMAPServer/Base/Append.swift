// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailMessage
import MailStorage

/// APPEND, RFC 9051 §6.3.12.
///
/// Its line ends with the announcement of the message, which the session takes into the store as it arrives; see
/// `IMAPSession+Append.swift`.
struct AppendCommand: IMAPCommand {
    static let name = "APPEND"
    static let states = Set<SessionState>.loggedIn

    let mailbox: MailboxName
    private let flags: [Flag]
    private let internalDate: InternalDate?

    // append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.sp()
        self.flags = parser.peek(UInt8(ascii: "(")) ? try parser.flagList() : []
        if !self.flags.isEmpty || parser.peek(UInt8(ascii: " ")) { try parser.sp() }
        if parser.peek(UInt8(ascii: "\"")) {
            self.internalDate = try parser.dateTime()
            try parser.sp()
        } else {
            self.internalDate = nil
        }
        _ = try parser.literalHeader()
    }

    /// Nothing: without the octets there is no message.
    ///
    /// The session asks for ``work(_:mailbox:view:)``.
    func bind(to view: SessionView) throws(Refusal) -> Work {
        throw Refusal("Expected a literal with the message", code: .clientBug, isBad: true)
    }

    /// Adds the message that has arrived.
    func work(_ message: StagedMessage, mailbox: Mailbox, view: SessionView) throws(Refusal) -> Work {
        let store = try view.store()
        let date = self.internalDate.map { MessageDate($0) }
        let now = UnixTime(rawValue: view.service.time.unixTime())
        let new = NewMessage(
            message,
            flags: FlagSet(self.flags),
            internalDate: date ?? MessageDate(time: now, zoneOffsetMinutes: 0)
        )
        let added = Footprint.Extent(mailbox: mailbox.name, messages: .added)
        return Work(Footprint(reads: .mailboxes).writing(messages: added)) { _ in
            do {
                let receipt = try await store.append([new], to: mailbox.id)
                return Outcome(
                    code: .appendUID(
                        uidValidity: receipt.uidValidity.rawValue,
                        uids: NumberSet(ascending: receipt.uids.map(\.rawValue))
                    )
                )
            } catch StoreError.noSuchMailbox {
                throw Refusal.tryCreate
            }
        }
    }
}
