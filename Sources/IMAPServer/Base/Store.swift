// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// STORE and UID STORE, RFC 9051 §6.4.6.
struct StoreCommand: UIDCommand {
    static let name = "STORE"
    static let states: Set<SessionState> = [.selected]

    private let addressing: Addressing
    private let messages: SequenceSet
    private let operation: FlagChange.Operation
    private let isSilent: Bool
    private let flags: [Flag]
    /// Leave alone what has changed after this (RFC 7162 §3.1.3).
    private let unchangedSince: ModSeq?

    // store           = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
    // store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.messages = try parser.sequenceSet()
        try parser.sp()
        self.unchangedSince = try Self.unchangedSince(&parser)
        if parser.accept(UInt8(ascii: "+")) {
            self.operation = .add
        } else if parser.accept(UInt8(ascii: "-")) {
            self.operation = .remove
        } else {
            self.operation = .replace
        }
        switch try parser.commandName() {
        case "FLAGS": self.isSilent = false
        case "FLAGS.SILENT": self.isSilent = true
        default: throw parser.expected("FLAGS or FLAGS.SILENT")
        }
        try parser.sp()
        if parser.peek(UInt8(ascii: "(")) {
            self.flags = try parser.flagList()
        } else {
            var flags = [try parser.flag()]
            while parser.accept(UInt8(ascii: " ")) { flags.append(try parser.flag()) }
            self.flags = flags
        }
        try parser.end()
    }

    // store-modifiers = SP "(" store-modifier *(SP store-modifier) ")"
    // store-modifier  =/ "UNCHANGEDSINCE" SP mod-sequence-valzer
    //                    ;; Only a single "UNCHANGEDSINCE" may be specified in a STORE operation.
    private static func unchangedSince(_ parser: inout CommandParser) throws(SyntaxError) -> ModSeq? {
        guard parser.peek(UInt8(ascii: "(")) else { return nil }
        let modSeqs = try parser.parenthesized(maximum: 1) { (parser: inout CommandParser) throws(SyntaxError) in
            let start = parser.offset
            guard try parser.keywordToken() == "UNCHANGEDSINCE" else {
                throw SyntaxError(expected: "UNCHANGEDSINCE", offset: start)
            }
            try parser.sp()
            return ModSeq(rawValue: Int64(clamping: try parser.modSequenceValzer()))
        }
        try parser.sp()
        return modSeqs.first
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let selected = try view.writableMailbox()
        let store = try view.store()
        let uids = try view.resolve(self.messages, self.addressing)
        let change = FlagChange(self.operation, FlagSet(self.flags))
        let (isSilent, addressing, unchangedSince) = (self.isSilent, self.addressing, self.unchangedSince)
        let usesNumbers = addressing == .sequenceNumbers
        let enables: Set<EnabledFeature> = unchangedSince == nil ? [] : [.condstore]
        let modSeqs: SelectedMailbox.OwnChange.ModSeqs =
            unchangedSince != nil ? .all : view.isCondstore ? .changed : .none
        guard !uids.isEmpty else {
            return .inline(Footprint(usesNumbers: usesNumbers)) { _ in Outcome() }.enabling(enables)
        }
        let changed = try view.extent(of: self.messages, addressing)
        var footprint = Footprint(reads: .mailboxes, usesNumbers: usesNumbers).reading(messages: changed)
            .writing(flags: changed)
        if isSilent { footprint.silences = NumberSet(ascending: uids.map(\.rawValue)) }
        return Work(footprint) { output in
            let receipt = try await store.changeFlags(
                of: uids,
                in: selected.id,
                change,
                unchangedSince: unchangedSince,
                knownUntil: isSilent ? output.selected?.told ?? selected.told : nil
            )
            // RFC 2180 §4.2: what is gone is passed over, unless nothing was there.
            guard !receipt.updated.isEmpty || !receipt.modified.isEmpty else {
                throw Refusal("The messages no longer exist", code: .expungeIssued)
            }
            // SILENT is about the client's own change: what somebody else has changed before it is not known to it.
            let unknown = Set(receipt.unknown)
            let known = unknown.isEmpty ? receipt.updated : receipt.updated.filter { !unknown.contains($0) }
            let found = receipt.updated.count + receipt.modified.count
            return Outcome(
                code: Self.modified(receipt.modified, addressing, output.selected ?? selected)
                    ?? (found < uids.count ? .expungeIssued : nil),
                text: receipt.modified.isEmpty ? nil : "Conditional STORE failed for some",
                effect: .stored(
                    SelectedMailbox.OwnChange(
                        uids: known,
                        modSeq: receipt.modSeq,
                        // What it could not change, the client must hear of.
                        isTold: isSilent && !receipt.isLimited,
                        modSeqs: modSeqs,
                        refused: receipt.modified
                    )
                )
            )
        }.enabling(enables)
    }

    /// The messages left alone, by UID or by number as they were asked for (RFC 7162 §3.1.3).
    private static func modified(
        _ uids: [UID],
        _ addressing: Addressing,
        _ selected: SelectedMailbox
    ) -> ResponseCode? {
        let numbers: [UInt32] =
            switch addressing {
            case .uids: uids.map(\.rawValue)
            case .sequenceNumbers: uids.compactMap { selected.number(of: $0).map { UInt32(clamping: $0) } }
            }
        return numbers.isEmpty ? nil : .modified(NumberSet(ascending: numbers))
    }
}
