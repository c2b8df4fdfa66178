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
    private let modifiers: FetchModifiers

    // fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
    //         [fetch-modifiers]
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.messages = try parser.sequenceSet()
        try parser.sp()
        var items = try Self.items(&parser)
        // RFC 9051 §6.4.9: the responses to a UID command name the message by its UID, asked for or not.
        if addressing == .uids { items.insert(UIDItem(), at: 0) }
        self.modifiers =
            parser.accept(UInt8(ascii: " ")) ? try FetchModifiers(&parser, addressing: addressing) : FetchModifiers()
        if self.modifiers.changedSince != nil { items.append(ModSeqItem()) }
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
        guard !self.modifiers.isVanished || view.isQresync else { throw .qresyncFirst }
        let asksForModSeq = self.items.contains { $0 is ModSeqItem }
        let uids = self.modifiers.selected(of: try view.resolve(self.messages, self.addressing))
        let needs = self.items.reduce(into: FetchNeeds()) { $0.formUnion($1.needs) }
        let setsSeen = needs.contains(.seen) && mailbox.rightsToChange.contains(.seen)
        let fetched = try view.extent(of: self.messages, self.addressing)
        var footprint = Footprint(
            reads: .mailboxes,
            usesNumbers: self.addressing == .sequenceNumbers,
            answersWithNumbers: true
        ).reading(messages: self.modifiers.isVanished ? try view.extent() : fetched)
        if self.modifiers.changedSince != nil || !needs.isDisjoint(with: [.flags, .seen]) {
            footprint = footprint.reading(flags: fetched)
        }
        if setsSeen { footprint = footprint.writing(flags: fetched) }
        let answer = FetchAnswer(
            items: self.items,
            needs: needs,
            uids: uids,
            isRev2: view.isRev2,
            isCondstore: view.isCondstore || asksForModSeq,
            changedSince: self.modifiers.changedSince
        )
        let isInMemory = uids.isEmpty || needs.isDisjoint(with: .fromStore)
        let work: Work
        if isInMemory, !self.modifiers.isVanished {
            work = .inline(footprint) { output in try await answer.writeFromMemory(&output) }
        } else {
            let store = try view.store()
            let vanished = self.vanished(view)
            work = Work(footprint) { output in
                if let vanished { try await vanished.write(to: &output, from: store) }
                return isInMemory
                    ? try await answer.writeFromMemory(&output)
                    : try await answer.write(&output, from: store, setsSeen: setsSeen)
            }
        }
        return asksForModSeq ? work.enabling([.condstore]) : work
    }

    /// What VANISHED asks for.
    private func vanished(_ view: SessionView) -> EarlierExpunges? {
        guard self.modifiers.isVanished, let since = self.modifiers.changedSince else { return nil }
        return EarlierExpunges(known: self.messages, saved: view.savedResult, since: since)
    }
}
