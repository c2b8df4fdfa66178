// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// SEARCH and UID SEARCH, RFC 9051 §6.4.4.
struct SearchCommand: UIDCommand {
    static let name = "SEARCH"
    static let states: Set<SessionState> = [.selected]

    private let addressing: Addressing
    private let returns: SearchReturn?
    private let hasCharset: Bool
    private let hasKnownCharset: Bool
    private let program: SearchProgram?

    // search = "SEARCH" [search-return-opts] SP search-program
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        if parser.peek(keyword: "RETURN") {
            self.returns = try SearchReturn(&parser)
            try parser.sp()
        } else {
            self.returns = nil
        }
        self.hasCharset = parser.accept(keyword: "CHARSET")
        if self.hasCharset {
            try parser.sp()
            self.hasKnownCharset = ["US-ASCII", "UTF-8"].contains(try parser.charset().uppercased())
            try parser.sp()
        } else {
            self.hasKnownCharset = true
        }
        guard self.hasKnownCharset else {
            // The keys are in the charset that is not known: they are not read.
            self.program = nil
            return
        }
        self.program = try SearchProgram(&parser)
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let isSaved = self.returns?.isSaved == true
        // RFC 9051 §6.4.4.1: with SAVE, a search that ends in NO empties `$`.
        let failureEffect: Work.FailureEffect = isSaved ? .saved([]) : .none
        guard !self.hasCharset || !view.enabled.contains(.utf8Accept) else {
            throw Refusal(
                "After ENABLE UTF8=ACCEPT searches are in UTF-8: leave CHARSET out",
                code: .clientBug,
                isBad: true
            )
        }
        guard let program = self.program else {
            let refusal = Refusal("Search in UTF-8", code: .badCharset(["US-ASCII", "UTF-8"]))
            return .inline(Footprint(isBarrier: isSaved), failureEffect: failureEffect) { _ in throw refusal }
        }
        let mailbox = try view.mailbox()
        var texts: [TextKey] = []
        let run = SearchRun(
            program: try program.bound(to: view, texts: &texts),
            texts: texts,
            store: try view.store()
        )
        let (addressing, isRev2) = (self.addressing, view.isRev2)
        let returns = self.returns ?? (isRev2 ? .all : nil)
        let usesNumbers = addressing == .sequenceNumbers || program.usesNumbers
        // `$` changes what later commands mean.
        let footprint = Footprint(
            reads: [.flags, .messages],
            usesNumbers: usesNumbers,
            isBarrier: isSaved
        )
        @Sendable func finish(_ found: [UID], in selected: SelectedMailbox, _ output: inout CommandOutput) -> Outcome {
            let numbers: [UInt32] =
                addressing == .uids
                ? found.map(\.rawValue) : found.compactMap { selected.number(of: $0).map { UInt32($0) } }
            if let returns {
                returns.write(numbers, tag: output.tag, addressing: addressing, to: &output.writer)
            } else {
                output.writer.search(numbers)
            }
            return Outcome(effect: isSaved ? .saved(returns?.saved(found) ?? []) : .none)
        }
        if run.isQuick(for: mailbox.uids.count) {
            return .inline(footprint, failureEffect: failureEffect) { output in
                guard let selected = output.selected, let found = run.foundInMemory(in: selected) else {
                    throw Refusal.noSuchMailbox
                }
                return finish(found, in: selected, &output)
            }
        }
        return Work(footprint, failureEffect: failureEffect) { output in
            guard let selected = output.selected else { throw Refusal.noSuchMailbox }
            return finish(try await run.found(in: selected, telling: output.progress), in: selected, &output)
        }
    }
}

extension ResponseWriter {
    /// `* SEARCH 2 84 882`, RFC 3501 §7.2.5.
    fileprivate mutating func search(_ numbers: [UInt32]) {
        self.raw("* ")
        self.raw("SEARCH")
        for number in numbers {
            self.raw(" ")
            self.number(UInt64(number))
        }
        self.crlf()
    }
}
