// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// FETCH and UID FETCH, RFC 9051 §6.4.5, §6.4.9.
struct FetchCommand: UIDCommand {
    static let name = "FETCH"
    static let states: Set<SessionState> = [.selected]

    private let addressing: Addressing
    private let messages: SequenceSet
    let items: [any FetchItem]

    // fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.messages = try parser.sequenceSet()
        try parser.sp()
        var items = try Self.items(&parser)
        // RFC 9051 §6.4.9: the responses to a UID command name the message by its UID, asked for or not.
        if addressing == .uids { items.insert(UIDItem(), at: 0) }
        self.items = Self.withoutRepetitions(items)
        try parser.end()
    }

    private static func items(_ parser: inout CommandParser) throws(SyntaxError) -> [any FetchItem] {
        let fast: [any FetchItem] = [FlagsItem(), InternalDateItem(), SizeItem()]
        if parser.accept(keyword: "FAST") { return fast }
        if parser.accept(keyword: "ALL") { return fast + [EnvelopeItem()] }
        if parser.accept(keyword: "FULL") { return fast + [EnvelopeItem(), BodyStructureItem(isExtensible: false)] }
        return try parser.oneOrParenthesized { (parser: inout CommandParser) throws(SyntaxError) in
            try FetchItemTable.item(&parser)
        }
    }

    /// Whoever asks for the same thing a hundred times gets it once.
    private static func withoutRepetitions(_ items: [any FetchItem]) -> [any FetchItem] {
        var seen: Set<AnyHashable> = []
        return items.filter { seen.insert(AnyHashable($0)).inserted }
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let mailbox = try view.mailbox()
        let uids = try view.resolve(self.messages, self.addressing)
        let needs = self.items.reduce(into: FetchNeeds()) { $0.formUnion($1.needs) }
        let setsSeen = needs.contains(.seen) && !mailbox.isReadOnly
        let fetched = try view.extent(of: self.messages, self.addressing)
        var footprint = Footprint(
            reads: .mailboxes,
            usesNumbers: self.addressing == .sequenceNumbers,
            answersWithNumbers: true
        ).reading(messages: fetched)
        if !needs.isDisjoint(with: [.flags, .seen]) { footprint = footprint.reading(flags: fetched) }
        if setsSeen { footprint = footprint.writing(flags: fetched) }
        let answer = FetchAnswer(items: self.items, needs: needs, uids: uids, isRev2: view.isRev2)
        guard !uids.isEmpty, !needs.isDisjoint(with: .fromStore) else {
            return .inline(footprint) { output in try await answer.writeFromMemory(&output) }
        }
        let store = try view.store()
        return Work(footprint) { output in try await answer.write(&output, from: store, setsSeen: setsSeen) }
    }
}
