// SPDX-License-Identifier: Apache-2.0

/// The names under which users see the mailboxes of others: `user/ann@example.org/Team` (RFC 2342 §4).
///
/// A mailbox has one such name, in one spelling, and none for its owner, who knows it as `Team`: so nobody has two names
/// for the same mailbox, and commands that name different ones have nothing to do with each other.
package enum OtherUsers {
    package static let prefix = "user/"

    /// Whether a name is one of them; there need not be such a mailbox.
    package static func contain(_ name: String) -> Bool { name.utf8.starts(with: self.prefix.utf8) }

    package static func name(of mailbox: String, ownedBy address: String) -> String {
        "\(self.prefix)\(address)/\(mailbox)"
    }

    /// The owner's address, and what he calls the mailbox; nil for what can be no such name.
    ///
    /// Local parts may have a slash, domains none: the address ends with the level that has the `@`.
    package static func split(_ name: String) -> (address: String, mailbox: String)? {
        guard self.contain(name) else { return nil }
        let rest = name.utf8.dropFirst(self.prefix.utf8.count)
        guard let at = rest.firstIndex(of: UInt8(ascii: "@")),
            let end = rest[at...].firstIndex(of: UInt8(ascii: "/"))
        else { return nil }
        return (String(Substring(rest[..<end])), String(Substring(rest[rest.index(after: end)...])))
    }
}
