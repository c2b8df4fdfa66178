// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// CLOSE, RFC 9051 §6.4.1: expunges without telling, unless the mailbox is read-only.
struct CloseCommand: IMAPCommand {
    static let name = "CLOSE"
    static let states: Set<SessionState> = [.selected]

    // "CLOSE"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let store = try view.store()
        guard let selected = view.selected, !selected.isReadOnly, !selected.isDeleted else {
            return .effect(.unselected)
        }
        return Work(.barrier) { _ in
            do {
                _ = try await store.claimRecent(in: selected.id)
                _ = try await store.expunge(nil, in: selected.id)
            } catch StoreError.noSuchMailbox {
                // Deleted by someone meanwhile: closed all the same.
            } catch StoreError.noPermission {
                // RFC 4314 §4: "the server MUST ignore the expunge request, close the mailbox".
            }
            return Outcome(effect: .unselected)
        }
    }
}

/// UNSELECT, RFC 9051 §6.4.2: CLOSE without expunging.
struct UnselectCommand: IMAPCommand {
    static let name = "UNSELECT"
    static let states: Set<SessionState> = [.selected]

    // "UNSELECT"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work { .effect(.unselected) }
}
