// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// A data item of FETCH (RFC 9051 §6.4.5): how clients ask for it, what it needs to know, and how it is told (§7.5.2).
///
/// There is a file for each family.
protocol FetchItem: Hashable, Sendable {
    /// The names clients ask by, in upper case; with `[` at the end if a section follows.
    static var names: [String] { get }
    /// Reads what follows the name; of a section, its `[` is the next octet.
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError)
    var needs: FetchNeeds { get }
    /// Finds out what must be known before the message's response begins; nothing, for most.
    ///
    /// Throws ``Refusal`` if the item cannot be had of this message, and ``StoreError/expunged`` if the message is gone:
    /// then there is no response for it. After this, ``write(_:to:)`` can fail no more, except by the store.
    func prepare(_ message: inout FetchedMessage) async throws
    /// Writes the item's name as the client is to read it, a space and the value.
    ///
    /// Throws ``BrokenResponse`` if the rest of a literal cannot be had.
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) async throws
}

/// An item that is written at once, from what is known of the message: most are.
///
/// A response of such items only costs no suspension.
protocol ImmediateFetchItem: FetchItem {
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws
}

extension FetchItem {
    func prepare(_ message: inout FetchedMessage) async throws {}
}

/// What items need to know of messages.
struct FetchNeeds: OptionSet, Sendable {
    let rawValue: UInt8
    /// Flags; the resident index has them.
    static let flags = FetchNeeds(rawValue: 1)
    /// Dates and size: what the store has of every message.
    static let row = FetchNeeds(rawValue: 2)
    /// Envelope and structure.
    static let summary = FetchNeeds(rawValue: 4)
    /// Octets.
    static let content = FetchNeeds(rawValue: 8)
    /// That the message has been `\Seen`.
    static let seen = FetchNeeds(rawValue: 16)
    /// The digest of the octets.
    static let digest = FetchNeeds(rawValue: 32)

    static let fromStore: FetchNeeds = [.row, .summary, .content, .digest]
}

/// The one list of items, but for those of extensions (``IMAPExtension/fetchItems``).
enum FetchItemTable {
    private static let families: [any FetchItem.Type] = [
        FlagsItem.self, UIDItem.self, ModSeqItem.self, InternalDateItem.self, SizeItem.self,
        EnvelopeItem.self, BodyStructureItem.self, BodySectionItem.self, BinaryItem.self,
    ]
    static let byName: [String: any FetchItem.Type] = Dictionary(
        (Self.families + ExtensionTable.extensions.flatMap { $0.fetchItems }).flatMap { family in
            family.names.map { ($0, family) }
        },
        uniquingKeysWith: { first, _ in first }
    )

    // fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "BODY" ["STRUCTURE"] / "UID" /
    //             "BODY" section [partial] / "BODY.PEEK" section [partial] /
    //             "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
    // fetch-att =/ fetch-mod-sequence                                                          (RFC 7162 §7)
    // fetch-att =/ "RFC822" [".HEADER" / ".TEXT"]                                              (RFC 3501 §9)
    static func item(_ parser: inout CommandParser) throws(SyntaxError) -> any FetchItem {
        let start = parser.offset
        var name = try parser.keywordToken()
        if parser.peek(UInt8(ascii: "[")) { name += "[" }
        guard let family = Self.byName[name] else { throw SyntaxError(expected: "fetch-att", offset: start) }
        return try family.init(name, &parser)
    }
}
