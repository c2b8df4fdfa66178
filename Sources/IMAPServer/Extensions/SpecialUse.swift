// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// CREATE-SPECIAL-USE, RFC 6154 §3: what a new mailbox is for.
///
/// A use is one mailbox's at a time: it goes to the mailbox that a client names last. `\All` and `\Flagged` would be views
/// of other mailboxes, which are not here; `INBOX` has its own use.
enum CreateSpecialUse: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["CREATE-SPECIAL-USE"] }
}

extension SpecialUse {
    private static let assignable: Set<SpecialUse> = [.archive, .drafts, .junk, .sent, .trash]

    /// The uses of that text, which names them as LIST does, if a mailbox of that name can have them.
    static func assignable(in text: [UInt8], to mailbox: MailboxName) throws(Refusal) -> [SpecialUse] {
        var names: [String] = []
        for word in text.split(separator: UInt8(ascii: " ")) { names.append(String(decoding: word, as: UTF8.self)) }
        return try self.assignable(named: names, to: mailbox)
    }

    /// The uses of those names, with their backslashes, in one order and each once.
    static func assignable(named names: [String], to mailbox: MailboxName) throws(Refusal) -> [SpecialUse] {
        var uses: Set<SpecialUse> = []
        for name in names {
            let name = name.lowercased()
            guard let use = Self.assignable.first(where: { "\\\($0.rawValue)".lowercased() == name }) else {
                throw Refusal("Special use is not supported", code: .useAttribute)
            }
            uses.insert(use)
        }
        guard uses.isEmpty || !mailbox.isInbox else { throw Refusal("INBOX has its own use", code: .useAttribute) }
        return Self.allCases.filter(uses.contains)
    }
}
