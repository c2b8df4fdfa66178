// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import MailStorage

/// Telling of changes to the results of searches with RETURN (UPDATE) (RFC 5267 §4.3).
///
/// They are told when the changes themselves are. What memory does not know of the messages that have changed is asked
/// of the store by a child task, which answers by a note to the inbox.
extension IMAPSession {
    /// Adds a context.
    mutating func add(_ context: SearchContext) {
        var context = context
        self.lastContextID += 1
        context.id = self.lastContextID
        self.view.contexts.append(context)
    }

    /// Tells of results that are gone, before any EXPUNGE: "in order that those sequence numbers remain valid"
    /// (RFC 5267 §4.3.4).
    ///
    /// `index` is nil if the mailbox has been deleted; `selected` has the numbers that the client still knows.
    mutating func tellGoneResults(_ index: MailboxIndex?, numberedBy selected: SelectedMailbox) {
        for position in self.view.contexts.indices {
            let gone = self.view.contexts[position].removeGone(from: index)
            self.output.contextChange("REMOVEFROM", gone, to: self.view.contexts[position], of: selected)
        }
    }

    /// Tells of results that have changed, behind EXISTS and the flags; or notes that the store has to be asked.
    mutating func tellChangedResults(_ index: MailboxIndex?) {
        guard let index, let selected = self.view.selected else { return }
        for position in self.view.contexts.indices where !self.view.contexts[position].isEvaluating {
            let context = self.view.contexts[position]
            let changed = context.changed(in: index, of: selected)
            let isQuick = changed.isEmpty || context.run.isQuick(for: changed.count)
            if isQuick, let found = context.run.foundInMemory(in: selected, among: changed),
                context.additions(found).isEmpty
            {
                self.tellResults(found, among: changed, upTo: index.highestModSeq, at: position)
                continue
            }
            self.view.contexts[position].isEvaluating = true
            self.awaitedEvaluations.append(
                AwaitedEvaluation(context: context, among: changed, upTo: index.highestModSeq)
            )
        }
    }

    /// Asks the store what there is to ask.
    mutating func startEvaluations(in group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let post = self.connection.post
        guard let selected = self.view.selected else { return }
        for awaited in self.awaitedEvaluations {
            group.addTask {
                do {
                    post(.evaluated(try await awaited.evaluated(in: selected)))
                } catch is CancellationError {
                    return
                } catch {
                    Logger.current.warning("Context is not up to date", metadata: ["error": "\(error)"])
                    post(.evaluated(awaited.answer(found: nil)))
                }
            }
        }
        self.awaitedEvaluations = []
    }

    /// Whether changes to the result of a search are still to be told.
    var isEvaluatingContexts: Bool {
        !self.evaluations.isEmpty || !self.awaitedEvaluations.isEmpty
            || self.view.contexts.contains { $0.isEvaluating }
    }

    /// Tells what the store has answered, if nobody else is writing.
    mutating func tellEvaluations() {
        guard self.blocks.holder == nil, !self.evaluations.isEmpty else { return }
        for evaluation in self.evaluations {
            // It may have been cancelled meanwhile.
            guard let position = self.view.contexts.firstIndex(where: { $0.id == evaluation.context }) else { continue }
            self.view.contexts[position].isEvaluating = false
            if let found = evaluation.found {
                self.tellResults(
                    found,
                    among: evaluation.among,
                    order: evaluation.order,
                    upTo: evaluation.upTo,
                    at: position
                )
            }
        }
        self.evaluations = []
        // More may have changed since. If the client has not been told of it, that is still to come.
        let index = self.view.selected?.resident.current
        if index?.highestModSeq == self.view.selected?.compared { self.tellChangedResults(index) }
    }

    private mutating func tellResults(
        _ found: [UID],
        among uids: [UInt32],
        order: [UID]? = nil,
        upTo modSeq: ModSeq,
        at position: Int
    ) {
        guard let selected = self.view.selected, let index = selected.resident.current else { return }
        // What is gone is another matter, told of or not: `tellGoneResults`.
        let there = uids.filter { uid in
            let uid = UID(rawValue: uid)
            return index[uid] != nil && selected.number(of: uid) != nil
        }
        let firstNew = self.view.contexts[position].firstNew
        let change = self.view.contexts[position].update(found: found, among: there, order: order, upTo: modSeq)
        let context = self.view.contexts[position]
        if !context.items.isEmpty {
            let new = change.added.flatMap(\.uids).filter { $0 >= firstNew }.sorted()
            self.newMessages.add(new, items: context.items, source: context.id)
        }
        self.output.contextChange("REMOVEFROM", change.removed, to: context, of: selected)
        self.output.contextChange("ADDTO", change.added, to: context, of: selected)
    }
}

extension AwaitedEvaluation {
    /// Asks the store.
    fileprivate func evaluated(in selected: SelectedMailbox) async throws -> ContextEvaluation {
        let found = try await self.context.run.found(in: selected, among: self.among)
        let additions = self.context.additions(found)
        guard let sort = self.context.sort, !additions.isEmpty else { return self.answer(found: found) }
        let results = self.context.results.map(UID.init(rawValue:))
        return self.answer(
            found: found,
            order: try await sort.inserting(additions, into: results, in: selected.id)
        )
    }

    fileprivate func answer(found: [UID]?, order: [UID]? = nil) -> ContextEvaluation {
        ContextEvaluation(
            context: self.context.id,
            among: self.among,
            upTo: self.upTo,
            found: found,
            order: order
        )
    }
}
