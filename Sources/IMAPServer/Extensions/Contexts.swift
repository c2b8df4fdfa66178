// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// CANCELUPDATE, RFC 5267 §4.3.5, which ends what RETURN (UPDATE) of SEARCH and SORT has begun (``SearchContext``).
struct CancelUpdateCommand: IMAPCommand, IMAPExtension {
    static let name = "CANCELUPDATE"
    static let states: Set<SessionState> = [.selected]
    static var commands: [any IMAPCommand.Type] { [Self.self] }
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil ? [] : ["CONTEXT=SEARCH", "CONTEXT=SORT"]
    }

    private var tags: [String] = []

    // command-select =/ "CANCELUPDATE" 1*(SP quoted)
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        repeat {
            try parser.sp()
            guard self.tags.count < ContextAdmission.limit else {
                throw parser.expected("at most \(ContextAdmission.limit) tags")
            }
            self.tags.append(String(decoding: try parser.quoted(), as: UTF8.self))
        } while !parser.atEnd
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let known = Set(view.contexts.map(\.tag))
        guard self.tags.allSatisfy(known.contains) else {
            throw Refusal("No search with UPDATE has this tag", code: .nonexistent)
        }
        return .effect(.contextsCancelled(Set(self.tags)))
    }
}
