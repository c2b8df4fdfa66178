// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Transaction {
    /// Changes flags of those messages that are there and that have not changed after `unchangedSince`; notes those that
    /// had changed after `knownUntil`.
    ///
    /// Flags that the account has not the right to stay as they are; it must have the right to one (RFC 4314 §4).
    /// A change that changes nothing takes no mod-sequence (RFC 7162 §3.1: "... when any metadata item changes").
    func changeFlags(
        of uids: [UID],
        in id: MailboxID,
        by account: AccountID,
        _ asked: FlagChange,
        unchangedSince: ModSeq?,
        knownUntil: ModSeq?
    ) throws -> FlagReceipt {
        var (mailbox, rights) = try self.mailbox(id, by: account, needing: .changeFlags)
        let change = asked.limited(to: rights)
        guard change.operation == .replace || change == asked || !change.flags.isEmpty else {
            throw Access.refusal(to: rights)
        }
        let changeable = rights.systemFlags
        var receipt = FlagReceipt(modSeq: mailbox.highestModSeq, updated: [], modified: [])
        receipt.isLimited =
            change != asked || (change.operation == .replace && !rights.isSuperset(of: .flags))
        var bits: UInt64?
        var lessons = MarkedMessages()
        var isChanged = false
        for uids in uids.ascending().byPage() {
            guard var page = try mailbox.page(MailboxPage.number(of: uids[uids.startIndex]), self.sql) else { continue }
            var isPageChanged = false
            for uid in uids {
                guard let slot = page[uid] else { continue }
                if let unchangedSince, slot.modSeq > unchangedSince,
                    try unchangedSince.rawValue > 0 || self.exists(change, in: slot, &mailbox)
                {
                    receipt.modified.append(uid)
                    continue
                }
                receipt.updated.append(uid)
                if let knownUntil, slot.modSeq > knownUntil { receipt.unknown.append(uid) }
                // Only now that there is a message: a keyword takes one of few bits.
                let keywords =
                    try bits
                    ?? mailbox.keywordBits(
                        change.flags.keywords,
                        adding: change.operation != .remove,
                        self.sql
                    )
                bits = keywords
                var changed = slot
                switch change.operation {
                case .replace:
                    changed.flags = slot.flags.subtracting(changeable).union(change.flags.system)
                    if rights.contains(.write) { changed.keywords = keywords }
                case .add:
                    changed.flags.formUnion(change.flags.system)
                    changed.keywords |= keywords
                case .remove:
                    changed.flags.subtract(change.flags.system)
                    changed.keywords &= ~keywords
                }
                guard changed != slot else { continue }
                try lessons.note(uid, slot, changed, in: &mailbox, self.sql)
                changed.modSeq = try self.modSeq(of: mailbox.account)
                page.set(uid, changed)
                isPageChanged = true
            }
            if isPageChanged { try mailbox.replace(page, self.sql) }
            isChanged = isChanged || isPageChanged
        }
        if isChanged {
            receipt.modSeq = mailbox.highestModSeq
            self.put(mailbox)
            try self.teach(lessons, in: mailbox, by: account)
        }
        return receipt
    }

    /// Whether what a change is about exists in a message: system flags always do, keywords if it has one of them.
    ///
    /// Of what does not exist nothing has changed since 0 (RFC 7162 §3.1.3): so clients can take turns by a keyword.
    private func exists(
        _ change: FlagChange,
        in slot: MailboxPage.Slot,
        _ mailbox: inout MailboxState
    ) throws -> Bool {
        guard change.operation != .replace, change.flags.system.isEmpty, !change.flags.keywords.isEmpty else {
            return true
        }
        return try mailbox.keywordBits(change.flags.keywords, adding: false, self.sql) & slot.keywords != 0
    }
}

extension FlagChange {
    /// The flags of it that the rights let change.
    fileprivate func limited(to rights: Rights) -> FlagChange {
        var change = self
        change.flags.system.formIntersection(rights.systemFlags)
        if !rights.contains(.write) { change.flags.keywords = [] }
        return change
    }
}

extension FlagSet {
    fileprivate var isEmpty: Bool { self.system.isEmpty && self.keywords.isEmpty }
}

extension [UID] {
    /// Each once, ascending.
    func ascending() -> [UID] {
        for index in self.indices.dropFirst() where self[index - 1] >= self[index] {
            let sorted = self.sorted()
            return sorted.indices.filter { $0 == 0 || sorted[$0 - 1] != sorted[$0] }.map { sorted[$0] }
        }
        return self
    }

    /// Slices of these, which ascend, that lie in one page of a mailbox each.
    fileprivate func byPage() -> [ArraySlice<UID>] {
        var slices: [ArraySlice<UID>] = []
        var start = self.startIndex
        for position in self.indices.dropFirst()
        where MailboxPage.number(of: self[position]) != MailboxPage.number(of: self[start]) {
            slices.append(self[start..<position])
            start = position
        }
        if start < self.endIndex { slices.append(self[start...]) }
        return slices
    }
}
