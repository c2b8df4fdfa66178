// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// One criterion of SEARCH (RFC 9051 §6.4.4): its syntax and its test.
///
/// A file for each family.
protocol SearchKey: Sendable {
    /// The names it is known by, in upper case.
    static var names: [String] { get }
    /// Reads what follows `name`.
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError)
    /// What must be known of a message before ``matches(_:)`` is asked.
    var cost: SearchCost { get }
    /// Resolves sequence sets against what the client knows. Most keys have nothing to resolve.
    func bound(to view: SessionView) throws(Refusal) -> any SearchKey
    /// Resolves keywords against the mailbox as it is when the search begins to run: the commands before it are
    /// complete only then.
    func resolved(in index: MailboxIndex) -> any SearchKey
    /// Whether the message meets it; called only with what ``cost`` asks for.
    func matches(_ message: SearchedMessage) -> Bool
    /// Whether it names messages by their numbers, so that EXPUNGE must wait (RFC 9051 §7.5.1).
    var usesNumbers: Bool { get }
    /// Whether it looks at what STORE changes.
    var readsFlags: Bool { get }
    /// Whether ``matches(_:)`` asks for the octets' digest.
    var needsDigest: Bool { get }
    /// What an index may know of it: whoever does not have this text cannot match. Most keys look for no text.
    var term: TextTerm? { get }
}

extension SearchKey {
    var cost: SearchCost { .state }
    func bound(to view: SessionView) throws(Refusal) -> any SearchKey { self }
    func resolved(in index: MailboxIndex) -> any SearchKey { self }
    var usesNumbers: Bool { false }
    var readsFlags: Bool { self.cost == .state }
    var needsDigest: Bool { false }
    var term: TextTerm? { nil }
}

/// What has to be read before a key can be tested, cheapest first; each includes those before it.
enum SearchCost: Int, Comparable, Sendable {
    /// The resident index: UID, flags, keywords.
    case state
    /// The message's row: dates and size.
    case row
    /// Envelope and structure.
    case summary
    /// The octets of the header.
    case header
    /// All octets.
    case content

    static func < (left: SearchCost, right: SearchCost) -> Bool { left.rawValue < right.rawValue }
}

/// What is known of a message while it is searched.
struct SearchedMessage: Sendable {
    let uid: UID
    let slot: MailboxPage.Slot
    let isRecent: Bool
    var row: StoredMessage?
    /// The header's fields, comparable.
    var header: [SearchedField]?
    /// Which of the program's text keys were found, by their number; set once the octets have been read.
    var foundTexts: Set<Int> = []
}

/// The one list of keys, but for those of extensions (``IMAPExtension/searchKeys``).
enum SearchKeyTable {
    private static let families: [any SearchKey.Type] = [
        AllKey.self, FlagKey.self, KeywordKey.self, UIDKey.self, ModSeqKey.self,
        InternalDateKey.self, SentDateKey.self, AgeKey.self, SizeKey.self,
        AddressKey.self, SubjectKey.self, HeaderKey.self, TextKey.self,
    ]
    static let byName: [String: any SearchKey.Type] = Dictionary(
        (Self.families + ExtensionTable.extensions.flatMap { $0.searchKeys }).flatMap { family in
            family.names.map { ($0, family) }
        },
        uniquingKeysWith: { first, _ in first }
    )
}
