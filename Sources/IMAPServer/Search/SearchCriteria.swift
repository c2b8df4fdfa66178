// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What to search for, and the charset it is written in: the arguments that SEARCH, SORT, THREAD and ESEARCH share.
struct SearchCriteria: Sendable {
    /// nil if the charset is not known: then the keys are not read.
    private let program: SearchProgram?
    /// Whether the command says CHARSET, which those with UTF8=ACCEPT must not (RFC 6855 §3).
    private(set) var namesCharset = false

    // search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        if parser.accept(keyword: "CHARSET") {
            try parser.sp()
            try self.init(charsetFirst: &parser)
            self.namesCharset = true
        } else {
            self.init(program: try SearchProgram(&parser))
            try parser.end()
        }
    }

    // search-criteria = charset 1*(SP search-key)                                                  (RFC 5256 §5)
    init(charsetFirst parser: inout CommandParser) throws(SyntaxError) {
        guard ["US-ASCII", "UTF-8"].contains(try parser.charset().uppercased()) else {
            self.init(program: nil)
            return
        }
        try parser.sp()
        self.init(program: try SearchProgram(&parser))
        try parser.end()
    }

    private init(program: SearchProgram?) { self.program = program }

    /// Whether messages are named by their numbers.
    var usesNumbers: Bool { self.program?.usesNumbers ?? false }

    /// Whether mod-sequences are looked at, so that the answer tells the highest one (RFC 7162 §3.1.5).
    var hasModSeq: Bool { self.program?.hasModSeq ?? false }

    /// What a command that runs the search in the selected mailbox looks at, and that it writes `$` or adds a context.
    ///
    /// A context's tag changes how later commands end.
    func footprint(
        _ view: SessionView,
        _ addressing: Addressing,
        isSaved: Bool = false,
        isUpdated: Bool = false
    ) throws(Refusal) -> Footprint {
        let searched = try view.extent()
        let footprint = Footprint(
            writes: isSaved ? .savedResult : [],
            usesNumbers: addressing == .sequenceNumbers || self.usesNumbers,
            isBarrier: isUpdated
        ).reading(messages: searched)
        return self.program?.readsFlags == true ? footprint.reading(flags: searched) : footprint
    }

    /// The search as it is to be run; nil if the charset is not known: ``unknownCharset`` is to be told.
    func run(boundTo view: SessionView) throws(Refusal) -> SearchRun? {
        guard let program = self.program else { return nil }
        var view = view
        view.excusesNumbers = true
        var texts: [TextKey] = []
        let bound = try program.bound(to: view, texts: &texts)
        return SearchRun(program: bound, texts: texts, store: try view.store())
    }

    static let unknownCharset = Refusal("Search in UTF-8", code: .badCharset(["US-ASCII", "UTF-8"]))
}
