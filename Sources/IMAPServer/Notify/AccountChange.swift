// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What a client has changed itself, of which it "SHOULD NOT" be notified (RFC 5465 §5).
enum AccountChange: Sendable {
    /// And the mailboxes above it that were missing.
    case created(MailboxName)
    case deleted(MailboxName)
    case renamed(from: MailboxName, to: MailboxName)
    case subscribed(MailboxName, Bool)
    /// Entries of a mailbox or, with nil, of the server; what is set has that mod-sequence.
    case annotated(MailboxID?, [String], ModSeq)
    /// Messages came into the mailbox; ascending.
    case added(MailboxID, [UID])
}
