// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// The flag lists of one mailbox as they are written, each made once: messages are many, and most have flags that others
/// have too.
struct FlagLists {
    /// What a list follows from, with the ``names`` of the keywords.
    private struct Key: Equatable {
        var flags: UInt8
        var keywords: UInt64
        var isRecent: Bool
    }

    /// More different ones are written each time: to look a few through is cheaper than to hash.
    private static let limit = 16

    private var names: [String] = []
    private var keys: [Key] = []
    private var lists: [[UInt8]] = []

    /// The list, in parentheses; `index` has names for all keywords of `slot`.
    mutating func list(of slot: MailboxPage.Slot, in index: MailboxIndex, isRecent: Bool) -> [UInt8] {
        if index.keywords != self.names {
            self = FlagLists()
            self.names = index.keywords
        }
        let key = Key(flags: slot.flags.rawValue, keywords: slot.keywords, isRecent: isRecent)
        if let known = self.keys.firstIndex(of: key) { return self.lists[known] }
        let list = Self.written(slot, index, isRecent)
        if self.keys.count < Self.limit {
            self.keys.append(key)
            self.lists.append(list)
        }
        return list
    }

    private static func written(_ slot: MailboxPage.Slot, _ index: MailboxIndex, _ isRecent: Bool) -> [UInt8] {
        var writer = ResponseWriter()
        writer.flagList(slot: slot, index: index, isRecent: isRecent)
        return writer.take()
    }
}
