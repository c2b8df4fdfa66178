// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// ESEARCH, RFC 7377: a search in several mailboxes, whichever is selected.
struct MultiSearchCommand: IMAPCommand, IMAPExtension {
    static let name = "ESEARCH"
    static let states = Set<SessionState>.loggedIn
    static var commands: [any IMAPCommand.Type] { [Self.self] }
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["MULTISEARCH"] }

    private static let sourceLimit = 100

    private var sources: [MailboxSource] = [.selected]
    private let returns: SearchReturn
    private let criteria: SearchCriteria

    // esearch             = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
    // esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
    // source-mbox         = filter-mailboxes *(SP filter-mailboxes)
    //
    // There are no scope-options yet.
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        if parser.accept(keyword: "IN") {
            try parser.sp()
            self.sources = try parser.parenthesized(maximum: Self.sourceLimit) {
                (parser: inout CommandParser) throws(SyntaxError) in try MailboxSource(&parser)
            }
            try parser.sp()
        }
        self.returns = try SearchReturn.ifPresent(&parser) ?? .all
        // RFC 7377 §2.2: "the ESEARCH command MUST return a BAD result".
        guard !self.returns.isSaved || self.sources.allSatisfy({ $0 == .selected }) else {
            throw parser.expected("SAVE for the selected mailbox only")
        }
        self.criteria = try SearchCriteria(&parser)
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let failureEffect: Work.FailureEffect = self.returns.isSaved ? .saved([]) : .none
        // RFC 7377 §2.2: UPDATE "MUST apply only to the currently selected mailbox", which there must be.
        let includesSelected = self.sources.contains(.selected) || self.returns.isUpdated
        // RFC 9051 §5.5: what `*` and numbers mean in the selected mailbox is settled when the command is read.
        let selectedRun: SearchRun?
        if includesSelected {
            _ = try view.mailbox()
            selectedRun = try self.criteria.run(boundTo: view)
        } else {
            selectedRun = nil
        }
        let footprint = Footprint(
            reads: [.flags, .messages, .mailboxes, .subscriptions],
            writes: self.returns.isSaved ? .savedResult : [],
            usesNumbers: includesSelected && self.criteria.usesNumbers,
            isBarrier: self.returns.isUpdated
        )
        let (scope, store) = (view, try view.store())
        return Work(footprint, failureEffect: failureEffect) { output in
            try await self.run(scope, selectedRun, store, &output)
        }.enabling(self.criteria.hasModSeq ? [.condstore] : [])
    }

    private func run(
        _ view: SessionView,
        _ selectedRun: SearchRun?,
        _ store: any MailStore,
        _ output: inout CommandOutput
    ) async throws -> Outcome {
        var outcome = Outcome()
        var searched: Set<MailboxID> = []
        if self.sources.contains(.selected) || self.returns.isUpdated {
            let admission = ContextAdmission(view)
            if self.returns.isUpdated { try admission.requireUnused(output.tag) }
            guard let selected = output.selected else { throw Refusal.noSuchMailbox }
            guard let run = selectedRun else { throw SearchCriteria.unknownCharset }
            let found = try await run.found(in: selected)
            if self.sources.contains(.selected) {
                searched.insert(selected.id)
                // Its name is not known where it may have been renamed since it was selected.
                // Nor does a list have it that its user may read, but not look up.
                let name = try await store.mailboxes().first { $0.id == selected.id }?.name
                self.write(found, in: selected, named: name ?? selected.name, &output)
            }
            if self.returns.isSaved { outcome.effect = .saved(self.returns.saved(found)) }
            if self.returns.isUpdated {
                outcome.context = admission.admitted(
                    SearchContext(
                        tag: output.tag,
                        addressing: .uids,
                        run: run,
                        items: self.returns.updateItems,
                        found: found,
                        in: selected
                    ),
                    &output.writer
                )
            }
        }
        for mailbox in try await self.others(in: store) where searched.insert(mailbox.id).inserted {
            try Task.checkCancellation()
            guard let opened = try await Self.opened(mailbox, in: store) else { continue }
            var scope = view
            scope.selected = opened
            // `$` is of the selected mailbox; its UIDs mean nothing in another one.
            if view.selected?.id != mailbox.id { scope.savedResult = NumberSet() }
            guard let run = try self.criteria.run(boundTo: scope) else { throw SearchCriteria.unknownCharset }
            self.write(try await run.found(in: opened), in: opened, named: mailbox.name, &output)
            try await output.flushIfLarge()
        }
        return outcome
    }

    /// Answers for one mailbox; "An ESEARCH response MUST NOT be returned for mailboxes that contain no matching
    /// messages" (RFC 7377 §2.1).
    private func write(
        _ found: [UID],
        in mailbox: SelectedMailbox,
        named name: String?,
        _ output: inout CommandOutput
    ) {
        guard !found.isEmpty, let name = name.flatMap({ try? MailboxName($0) }) else { return }
        let modSeq =
            self.criteria.hasModSeq
            ? mailbox.resident.current?.highestModSeq(of: self.returns.saved(found)) : nil
        self.returns.write(
            mailbox.numbers(of: found, .uids),
            modSeq: modSeq,
            tag: output.tag,
            of: (name, mailbox.uidValidity),
            addressing: .uids,
            to: &output.writer
        )
    }

    /// The mailboxes that sources other than "selected" mean, each once.
    private func others(in store: any MailStore) async throws -> [Mailbox] {
        guard self.sources.contains(where: { $0 != .selected }) else { return [] }
        let subscriptions =
            self.sources.contains(.subscribed)
            ? Set(try await store.subscriptions().compactMap { try? MailboxName($0) }) : []
        return try await store.mailboxes().filter { mailbox in
            guard let name = try? MailboxName(mailbox.name) else { return false }
            return self.sources.contains { $0.includes(name, subscriptions: subscriptions) }
        }
    }

    /// The mailbox as if it were selected read-only now; nil if that cannot be.
    private static func opened(_ mailbox: Mailbox, in store: any MailStore) async throws -> SelectedMailbox? {
        do {
            let resident = try await store.open(mailbox.id)
            return resident.current.map { index in
                SelectedMailbox(
                    resident: resident,
                    index: index,
                    name: mailbox.name,
                    isReadOnly: true,
                    recentFrom: index.recentFrom
                )
            }
        } catch StoreError.noSuchMailbox, StoreError.noPermission {
            // RFC 7377 §2.2: those that the user may not read are ignored.
            return nil
        }
    }
}
