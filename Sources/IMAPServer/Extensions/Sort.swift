// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// SORT and UID SORT, RFC 5256 §3, by displayed names also (RFC 5957), and with RETURN (RFC 5267 §3).
struct SortCommand: UIDCommand, IMAPExtension {
    static let name = "SORT"
    static let states: Set<SessionState> = [.selected]
    static var commands: [any IMAPCommand.Type] { [Self.self] }
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil ? [] : ["SORT", "SORT=DISPLAY", "ESORT"]
    }

    private let addressing: Addressing
    private let returns: SearchReturn?
    private let sort: [SortCriterion]
    private let criteria: SearchCriteria

    // sort          = ["UID" SP] "SORT" SP sort-criteria SP search-criteria
    // extended-sort = ["UID" SP] "SORT" search-return-opts SP sort-criteria SP search-criteria
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.returns = try SearchReturn.ifPresent(&parser)
        self.sort = try SortCriterion.list(&parser)
        try parser.sp()
        self.criteria = try SearchCriteria(charsetFirst: &parser)
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let isSaved = self.returns?.isSaved == true
        let failureEffect: Work.FailureEffect = isSaved ? .saved([]) : .none
        _ = try view.mailbox()
        guard let search = try self.criteria.run(boundTo: view) else {
            return .inline(Footprint(writes: isSaved ? .savedResult : []), failureEffect: failureEffect) { _ in
                throw SearchCriteria.unknownCharset
            }
        }
        let (addressing, returns) = (self.addressing, self.returns)
        let run = SortRun(criteria: self.sort, store: search.store)
        let isUpdated = returns?.isUpdated == true
        let admission = ContextAdmission(view)
        let hasModSeq = self.criteria.hasModSeq
        let footprint = try self.criteria.footprint(view, addressing, isSaved: isSaved, isUpdated: isUpdated)
        return Work(footprint, failureEffect: failureEffect) { output in
            if isUpdated { try admission.requireUnused(output.tag) }
            guard let selected = output.selected else { throw Refusal.noSuchMailbox }
            let sorted = try await run.sorted(try await search.found(in: selected), in: selected.id)
            let numbers = selected.numbers(of: sorted, addressing)
            // RFC 7162 §3.1.6: in the answers to SORT as in those to SEARCH.
            let modSeq =
                hasModSeq ? selected.resident.current?.highestModSeq(of: returns?.saved(sorted) ?? sorted) : nil
            if let returns {
                returns.write(numbers, modSeq: modSeq, tag: output.tag, addressing: addressing, to: &output.writer)
            } else {
                output.writer.searchResult("SORT", numbers, modSeq: modSeq)
            }
            var outcome = Outcome(effect: isSaved ? .saved(returns?.saved(sorted) ?? []) : .none)
            if isUpdated {
                let context = SearchContext(
                    tag: output.tag,
                    addressing: addressing,
                    run: search,
                    sort: run,
                    items: returns?.updateItems ?? [],
                    found: sorted,
                    in: selected
                )
                outcome.context = admission.admitted(context, &output.writer)
            }
            return outcome
        }.enabling(hasModSeq ? [.condstore] : [])
    }
}
