// SPDX-License-Identifier: Apache-2.0

/// What somebody may do with a mailbox (RFC 4314 §2.1).
package struct Rights: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// `l`: to know that it is there.
    package static let lookup = Rights(rawValue: 1)
    /// `r`: to read what is in it.
    package static let read = Rights(rawValue: 2)
    /// `s`: to change `\Seen`.
    package static let seen = Rights(rawValue: 4)
    /// `w`: to change all flags but `\Seen` and `\Deleted`.
    package static let write = Rights(rawValue: 8)
    /// `i`: to add messages.
    package static let insert = Rights(rawValue: 16)
    /// `p`: to send mail to its address; without meaning here, for a mailbox has none.
    package static let post = Rights(rawValue: 32)
    /// `k`: to create mailboxes below it.
    package static let createMailboxes = Rights(rawValue: 64)
    /// `x`: to delete or rename it.
    package static let deleteMailbox = Rights(rawValue: 128)
    /// `t`: to change `\Deleted`.
    package static let deleteMessages = Rights(rawValue: 256)
    /// `e`: to expunge.
    package static let expunge = Rights(rawValue: 512)
    /// `a`: to say who may do what.
    package static let administer = Rights(rawValue: 1024)

    package static let all = Rights(rawValue: 2047)
    package static let none: Rights = []
    /// What the owner of a mailbox cannot lose.
    package static let ofOwner: Rights = [.lookup, .administer]
    /// Those that let change flags: sessions of all users show the same ones (RFC 4314 §5.2).
    package static let flags: Rights = [.seen, .write, .deleteMessages]
    /// Those that make a mailbox more than readable (RFC 4314 §5.2).
    package static let changes: Rights = [.insert, .expunge, .seen, .write, .deleteMessages]

    /// Every right with its letter, in one order.
    package static let letters: [(letter: Character, right: Rights)] = [
        ("l", .lookup), ("r", .read), ("s", .seen), ("w", .write), ("i", .insert), ("p", .post),
        ("k", .createMailboxes), ("x", .deleteMailbox), ("t", .deleteMessages), ("e", .expunge), ("a", .administer),
    ]

    /// The letters of these rights.
    package var text: String { String(Self.letters.filter { self.contains($0.right) }.map(\.letter)) }

    /// The rights with these letters; nil if there is another.
    package init?(text: String) {
        self = .none
        for letter in text {
            guard let known = Self.letters.first(where: { $0.letter == letter }) else { return nil }
            self.formUnion(known.right)
        }
    }

    /// The system flags that they let set and clear (RFC 4314 §4).
    package var systemFlags: SystemFlags {
        var flags: SystemFlags = []
        if self.contains(.seen) { flags.insert(.seen) }
        if self.contains(.deleteMessages) { flags.insert(.deleted) }
        if self.contains(.write) { flags.formUnion([.answered, .flagged, .draft]) }
        return flags
    }
}

/// What an operation asks of somebody's rights: every way to a mailbox names it.
package struct Access: Hashable, Sendable {
    /// All of these.
    private let all: Rights
    /// And one of these, if there are any.
    private let any: Rights

    private init(all: Rights, any: Rights = .none) {
        self.all = all
        self.any = any
    }

    // RFC 4314 §4.
    /// To be told its name: LIST, SUBSCRIBE.
    package static let lookup = Access(all: .lookup)
    /// SELECT, STATUS, and all that reads in the selected mailbox.
    package static let read = Access(all: .read)
    /// STORE, of one flag at least.
    package static let changeFlags = Access(all: .read, any: .flags)
    package static let expunge = Access(all: [.read, .expunge])
    /// The source of MOVE and REPLACE: "the union of the ACL rights required for UID STORE, UID COPY, and UID EXPUNGE"
    /// (RFC 6851 §4.2, RFC 8508 §4.1).
    package static let takeAway = Access(all: [.read, .deleteMessages, .expunge])
    /// APPEND, and the target of COPY, MOVE and REPLACE.
    package static let insert = Access(all: .insert)
    /// CREATE below it, also by RENAME.
    package static let create = Access(all: .createMailboxes)
    /// DELETE, and what RENAME renames.
    package static let delete = Access(all: .deleteMailbox)
    /// SETACL, DELETEACL, GETACL, LISTRIGHTS.
    package static let administer = Access(all: .administer)
    /// MYRIGHTS.
    package static let myRights = Access(
        all: .none,
        any: [.lookup, .read, .insert, .createMailboxes, .deleteMailbox, .administer]
    )
    /// Annotations (RFC 5464 §3.3).
    package static let annotate = Access(all: .lookup, any: [.read, .seen, .write, .insert, .post])
    /// To change annotations that others see too.
    package static let annotateForAll = Access(all: [.lookup, .write])
    /// To know whether there is room in it.
    package static let measure = Access(all: .none, any: [.read, .insert])

    package func isGranted(by rights: Rights) -> Bool {
        rights.isSuperset(of: self.all) && (self.any.isEmpty || !rights.isDisjoint(with: self.any))
    }

    /// Throws ``refusal(to:)`` if the rights do not suffice.
    package func require(of rights: Rights) throws(StoreError) {
        guard self.isGranted(by: rights) else { throw Self.refusal(to: rights) }
    }

    /// What somebody with these rights is told who has not the right that it takes: ``StoreError/noPermission``, or
    /// ``StoreError/noSuchMailbox`` if he must not even know that the mailbox is there (RFC 4314 §6).
    package static func refusal(to rights: Rights) -> StoreError {
        rights.contains(.lookup) ? .noPermission : .noSuchMailbox
    }
}
