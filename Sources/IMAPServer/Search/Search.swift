// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// SEARCH and UID SEARCH, RFC 9051 §6.4.4.
struct SearchCommand: UIDCommand {
    static let name = "SEARCH"
    static let states: Set<SessionState> = [.selected]

    private let addressing: Addressing
    private let returns: SearchReturn?
    private let criteria: SearchCriteria

    // search = "SEARCH" [search-return-opts] SP search-program
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        self.returns = try SearchReturn.ifPresent(&parser)
        self.criteria = try SearchCriteria(&parser)
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let isSaved = self.returns?.isSaved == true
        // RFC 9051 §6.4.4.1: with SAVE, a search that ends in NO empties `$`.
        let failureEffect: Work.FailureEffect = isSaved ? .saved([]) : .none
        guard !self.criteria.namesCharset || !view.enabled.contains(.utf8Accept) else {
            throw Refusal(
                "After ENABLE UTF8=ACCEPT searches are in UTF-8: leave CHARSET out",
                code: .clientBug,
                isBad: true
            )
        }
        let mailbox = try view.mailbox()
        guard let run = try self.criteria.run(boundTo: view) else {
            return .inline(Footprint(writes: isSaved ? .savedResult : []), failureEffect: failureEffect) { _ in
                throw SearchCriteria.unknownCharset
            }
        }
        let (addressing, isRev2) = (self.addressing, view.isRev2)
        let returns = self.returns ?? (isRev2 ? .all : nil)
        let isUpdated = returns?.isUpdated == true
        let admission = ContextAdmission(view)
        let hasModSeq = self.criteria.hasModSeq
        let enables: Set<EnabledFeature> = hasModSeq ? [.condstore] : []
        let footprint = try self.criteria.footprint(view, addressing, isSaved: isSaved, isUpdated: isUpdated)
        @Sendable func finish(_ found: [UID], in selected: SelectedMailbox, _ output: inout CommandOutput) -> Outcome {
            let numbers = selected.numbers(of: found, addressing)
            // RFC 4731 §3.2: of what MIN and MAX name only, where nothing else is told.
            let modSeq =
                hasModSeq ? selected.resident.current?.highestModSeq(of: returns?.saved(found) ?? found) : nil
            if let returns {
                returns.write(numbers, modSeq: modSeq, tag: output.tag, addressing: addressing, to: &output.writer)
            } else {
                output.writer.searchResult("SEARCH", numbers, modSeq: modSeq)
            }
            var outcome = Outcome(effect: isSaved ? .saved(returns?.saved(found) ?? []) : .none)
            if isUpdated {
                outcome.context = admission.admitted(
                    SearchContext(
                        tag: output.tag,
                        addressing: addressing,
                        run: run,
                        items: returns?.updateItems ?? [],
                        found: found,
                        in: selected
                    ),
                    &output.writer
                )
            }
            return outcome
        }
        if run.isQuick(for: mailbox.uids.count) {
            return .inline(footprint, failureEffect: failureEffect) { output in
                if isUpdated { try admission.requireUnused(output.tag) }
                guard let selected = output.selected, let found = run.foundInMemory(in: selected) else {
                    throw Refusal.noSuchMailbox
                }
                return finish(found, in: selected, &output)
            }.enabling(enables)
        }
        return Work(footprint, failureEffect: failureEffect) { output in
            if isUpdated { try admission.requireUnused(output.tag) }
            guard let selected = output.selected else { throw Refusal.noSuchMailbox }
            return finish(try await run.found(in: selected, telling: output.progress), in: selected, &output)
        }.enabling(enables)
    }
}

extension SelectedMailbox {
    /// What messages are called in an answer, in the order given; those the client does not know are left out of
    /// sequence numbers.
    func numbers(of uids: [UID], _ addressing: Addressing) -> [UInt32] {
        addressing == .uids
            ? uids.map(\.rawValue) : uids.compactMap { self.number(of: $0).map { UInt32(clamping: $0) } }
    }
}

extension ResponseWriter {
    /// `* SEARCH 2 84 882`, RFC 3501 §7.2.5; `* SORT 5 3 4`, RFC 5256 §4; `* SEARCH 2 84 882 (MODSEQ 917162500)`,
    /// RFC 7162 §3.1.6.
    mutating func searchResult(_ name: String, _ numbers: [UInt32], modSeq: UInt64?) {
        self.raw("* ")
        self.raw(name)
        for number in numbers {
            self.raw(" ")
            self.number(UInt64(number))
        }
        if let modSeq { self.raw(" (MODSEQ \(modSeq))") }
        self.crlf()
    }
}
