// SPDX-License-Identifier: Apache-2.0

/// A flag of a message by name (RFC 9051 §2.3.2).
///
///     flag            = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
package enum Flag: Hashable, Sendable {
    case answered
    case flagged
    case deleted
    case seen
    case draft
    /// Defined for IMAP4rev1 only; no client can change it.
    case recent
    case keyword(Keyword)
    /// A system flag that is not known here: the atom behind the backslash.
    case `extension`(Keyword)

    /// The flag behind a backslash, in any case.
    init(system name: Keyword) {
        self = Self.systemFlags[name] ?? .extension(name)
    }

    private static let systemFlags: [Keyword: Flag] = [
        Keyword(unchecked: "Answered"): .answered, Keyword(unchecked: "Flagged"): .flagged,
        Keyword(unchecked: "Deleted"): .deleted, Keyword(unchecked: "Seen"): .seen,
        Keyword(unchecked: "Draft"): .draft, Keyword(unchecked: "Recent"): .recent,
    ]

    /// The flag as it is written, backslash included.
    package var name: String {
        switch self {
        case .answered: #"\Answered"#
        case .flagged: #"\Flagged"#
        case .deleted: #"\Deleted"#
        case .seen: #"\Seen"#
        case .draft: #"\Draft"#
        case .recent: #"\Recent"#
        case .keyword(let keyword): keyword.name
        case .extension(let keyword): #"\"# + keyword.name
        }
    }
}

/// A name for flags that users make up; two that differ in case only are one (RFC 9051 §2.3.2).
///
///     flag-keyword    = "$MDNSent" / "$Forwarded" / "$Junk" / "$NotJunk" / "$Phishing" / atom
package struct Keyword: Hashable, Sendable {
    /// As it was written first.
    package let name: String

    /// Makes a keyword of an atom; nil if it is none.
    package init?(_ name: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(\.isAtomCharacter) else { return nil }
        self.name = name
    }

    /// Makes a keyword of what a parser has found to be an atom.
    init(unchecked name: String) { self.name = name }

    package static func == (left: Keyword, right: Keyword) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) { $0.uppercased == $1.uppercased }
    }

    package func hash(into hasher: inout Hasher) {
        for octet in self.name.utf8 { hasher.combine(octet.uppercased) }
        hasher.combine(0xFF as UInt8)
    }
}
