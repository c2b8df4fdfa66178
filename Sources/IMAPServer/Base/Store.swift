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

    // store           = "STORE" SP sequence-set SP store-att-flags
    // store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.messages = try parser.sequenceSet()
        try parser.sp()
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

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let selected = try view.writableMailbox()
        let store = try view.store()
        let uids = try view.resolve(self.messages, self.addressing)
        let change = FlagChange(self.operation, FlagSet(self.flags))
        let (isSilent, usesNumbers) = (self.isSilent, self.addressing == .sequenceNumbers)
        guard !uids.isEmpty else { return .inline(Footprint(usesNumbers: usesNumbers)) { _ in Outcome() } }
        let changed = try view.extent(of: self.messages, self.addressing)
        var footprint = Footprint(reads: .mailboxes, usesNumbers: usesNumbers).reading(messages: changed)
            .writing(flags: changed)
        if isSilent { footprint.silences = NumberSet(ascending: uids.map(\.rawValue)) }
        return Work(footprint) { output in
            let receipt = try await store.changeFlags(
                of: uids,
                in: selected.id,
                change,
                unchangedSince: nil,
                knownUntil: isSilent ? output.selected?.told ?? selected.told : nil
            )
            // RFC 2180 §4.2: what is gone is passed over, unless nothing was there.
            guard !receipt.updated.isEmpty else {
                throw Refusal("The messages no longer exist", code: .expungeIssued)
            }
            // SILENT is about the client's own change: what somebody else has changed before it is not known to it.
            let unknown = Set(receipt.unknown)
            let known = unknown.isEmpty ? receipt.updated : receipt.updated.filter { !unknown.contains($0) }
            return Outcome(
                code: receipt.updated.count < uids.count ? .expungeIssued : nil,
                effect: .stored(uids: known, modSeq: receipt.modSeq, isTold: isSilent)
            )
        }
    }
}
