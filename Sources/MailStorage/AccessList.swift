// SPDX-License-Identifier: Apache-2.0

/// Who may do what with a mailbox (RFC 4314 §2): the one place where rights are combined.
///
/// Somebody's rights are all those given to him and to `anyone`, without those that are taken from him or from `anyone`
/// (negative rights). The owner has all rights if the list does not say otherwise, and `l` and `a` always.
package struct AccessList: Hashable, Sendable {
    package enum Identifier: Hashable, Sendable {
        case account(AccountID)
        /// All accounts here.
        case anyone
    }

    package struct Entry: Hashable, Sendable {
        package var identifier: Identifier
        /// Whether the rights are taken, not given.
        package var isNegative: Bool
        package var rights: Rights

        package init(identifier: Identifier, isNegative: Bool, rights: Rights) {
            self.identifier = identifier
            self.isNegative = isNegative
            self.rights = rights
        }
    }

    package let owner: AccountID
    package let entries: [Entry]

    package init(owner: AccountID, entries: [Entry] = []) {
        self.owner = owner
        self.entries = entries
    }

    package func rights(of account: AccountID) -> Rights {
        let isOwner = account == self.owner
        var given: Rights = .none
        var taken: Rights = .none
        var isListed = false
        for entry in self.entries where entry.identifier == .anyone || entry.identifier == .account(account) {
            if entry.isNegative { taken.formUnion(entry.rights) } else { given.formUnion(entry.rights) }
            if entry.identifier != .anyone, !entry.isNegative { isListed = true }
        }
        if isOwner, !isListed { given = .all }
        given.subtract(taken)
        return isOwner ? given.union(.ofOwner) : given
    }
}

/// What a mailbox's list says of one identifier, as users write it.
package struct AccessEntry: Hashable, Sendable {
    /// An account's address or `anyone`; behind a dash: the rights are taken, not given.
    package var identifier: String
    package var rights: Rights

    package init(identifier: String, rights: Rights) {
        self.identifier = identifier
        self.rights = rights
    }
}

/// What SETACL does to an identifier's rights (RFC 4314 §3.1).
package struct RightsChange: Hashable, Sendable {
    package enum Operation: Hashable, Sendable { case replace, add, remove }
    package var operation: Operation
    package var rights: Rights

    package init(_ operation: Operation, _ rights: Rights) {
        self.operation = operation
        self.rights = rights
    }

    package func applied(to rights: Rights) -> Rights {
        switch self.operation {
        case .replace: self.rights
        case .add: rights.union(self.rights)
        case .remove: rights.subtracting(self.rights)
        }
    }
}
