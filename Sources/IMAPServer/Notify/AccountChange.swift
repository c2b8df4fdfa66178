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
    /// Messages came into the mailbox of that validity, which no other of the account has; ascending.
    case added(UIDValidity, [UID])
}

extension AccountChange {
    /// What APPEND and COPY have answered.
    init?(_ code: ResponseCode?) {
        switch code {
        case .appendUID(let validity, let uids), .copyUID(let validity, _, let uids):
            let uids = uids.ranges.flatMap { $0.map(UID.init(rawValue:)) }
            self = .added(UIDValidity(rawValue: validity), uids)
        default: return nil
        }
    }
}
