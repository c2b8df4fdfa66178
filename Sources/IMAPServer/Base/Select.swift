// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// SELECT, RFC 9051 §6.3.2.
struct SelectCommand: IMAPCommand {
    static let name = "SELECT"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: Result<MailboxName, SyntaxError>
    private let parameters: SelectParameters

    // select = "SELECT" SP mailbox [select-params]
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.selectedMailbox()
        self.parameters = try SelectParameters(&parser)
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        try .select(self.mailbox, self.parameters, isReadOnly: false, view)
    }
}

/// EXAMINE, RFC 9051 §6.3.3: SELECT without the right to change anything.
struct ExamineCommand: IMAPCommand {
    static let name = "EXAMINE"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: Result<MailboxName, SyntaxError>
    private let parameters: SelectParameters

    // examine = "EXAMINE" SP mailbox [select-params]
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.selectedMailbox()
        self.parameters = try SelectParameters(&parser)
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        try .select(self.mailbox, self.parameters, isReadOnly: true, view)
    }
}

extension CommandParser {
    /// Reads the name of the mailbox to select; one that no mailbox can have is a mailbox that is not there.
    ///
    ///     mailbox = "INBOX" / astring
    ///
    /// The command is to run all the same, for its failure closes the mailbox selected before (RFC 9051 §6.3.2).
    fileprivate mutating func selectedMailbox() throws(SyntaxError) -> Result<MailboxName, SyntaxError> {
        do throws(SyntaxError) { return .success(try self.mailbox()) } catch {
            guard error.kind == .mailboxName else { throw error }
            return .failure(error)
        }
    }
}

extension Work {
    /// What SELECT and EXAMINE do.
    ///
    /// A failure leaves no mailbox selected (RFC 9051 §6.3.2).
    fileprivate static func select(
        _ mailbox: Result<MailboxName, SyntaxError>,
        _ parameters: SelectParameters,
        isReadOnly: Bool,
        _ view: SessionView
    ) throws(Refusal) -> Work {
        if parameters.resynchronization != nil, !view.isQresync { throw .qresyncFirst }
        let store = try view.store()
        let hadSelected = view.selected != nil
        let isRev2 = view.isRev2
        return .inline(.barrier, failureEffect: .unselected) { output in
            if hadSelected { output.writer.untagged(.ok, code: .closed, "Previous mailbox is now closed") }
            guard let entry = try await store.mailbox(named: mailbox.get().text, needing: .read) else {
                throw Refusal.noSuchMailbox
            }
            let recentFrom = isReadOnly ? nil : try await Self.claimRecent(in: entry.id, of: store)
            let resident = try await store.open(entry.id)
            guard let index = resident.current else { throw Refusal.noSuchMailbox }
            let selected = SelectedMailbox(
                resident: resident,
                index: index,
                name: entry.name,
                isReadOnly: isReadOnly,
                recentFrom: recentFrom ?? index.recentFrom
            )
            output.writer.write(flagsOf: index, changeableWith: selected.rightsToChange)
            output.writer.untagged(UInt32(clamping: index.count), "EXISTS")
            if !isRev2 {
                output.writer.untagged(UInt32(clamping: selected.recentCount), "RECENT")
                if let unseen = index.firstUnseen, let number = selected.number(of: unseen) {
                    output.writer.untagged(.ok, code: .unseen(UInt32(clamping: number)), "First unseen")
                }
            }
            output.writer.untagged(.ok, code: .uidValidity(index.uidValidity.rawValue), "UIDs valid")
            output.writer.untagged(.ok, code: .uidNext(index.uidNext.rawValue), "Predicted next UID")
            output.writer.untagged(.ok, code: .highestModSeq(selected.knownModSeq), "Highest mod-sequence")
            output.writer.untagged(.ok, code: .mailboxID(ObjectID.mailbox(entry.id)), "Name that stays")
            if isRev2, let name = try? MailboxName(entry.name) { output.writer.list([], name: name) }
            if let resynchronization = parameters.resynchronization {
                try await output.write(resynchronization, of: selected, index, from: store, isRev2: isRev2)
            }
            // RFC 4314 §5.2.
            let isWritable = !selected.rightsToChange.isDisjoint(with: .changes)
            return Outcome(code: isWritable ? .readWrite : .readOnly, effect: .selected(selected))
        }.enabling(parameters.enablesCondstore ? [.condstore] : [])
    }

    /// Ends `\Recent` for others; where the disk is full the mailbox can be read all the same, and they see it again.
    private static func claimRecent(in mailbox: MailboxID, of store: any MailStore) async throws -> UID? {
        do { return try await store.claimRecent(in: mailbox) } catch StoreError.full { return nil }
    }
}
