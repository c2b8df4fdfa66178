// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// The flag lists of one mailbox as they are written, each made once: messages are many, and most have flags that others
/// have too.
struct FlagLists {
    /// What a list follows from; a mailbox never gives the bit of a keyword to another one.
    private struct Key: Hashable {
        var flags: SystemFlags
        var keywords: UInt64
        var isRecent: Bool
    }

    /// More different ones are forgotten, so that a client that gives each message flags of its own gains nothing.
    private static let limit = 256

    private var lists: [Key: [UInt8]] = [:]
    private var last: (key: Key, list: [UInt8])?

    /// The list, in parentheses; `index` has names for all keywords of `slot`.
    mutating func list(of slot: MailboxPage.Slot, in index: MailboxIndex, isRecent: Bool) -> [UInt8] {
        let key = Key(flags: slot.flags, keywords: slot.keywords, isRecent: isRecent)
        if let last = self.last, last.key == key { return last.list }
        let list = self.lists[key] ?? Self.written(slot, index, isRecent)
        if self.lists.count >= Self.limit { self.lists = [:] }
        self.lists[key] = list
        self.last = (key, list)
        return list
    }

    private static func written(_ slot: MailboxPage.Slot, _ index: MailboxIndex, _ isRecent: Bool) -> [UInt8] {
        var writer = ResponseWriter()
        writer.flagList(slot: slot, index: index, isRecent: isRecent)
        return writer.take()
    }
}
