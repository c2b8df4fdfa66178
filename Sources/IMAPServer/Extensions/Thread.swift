// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// THREAD and UID THREAD, RFC 5256 §3.
struct ThreadCommand: UIDCommand, IMAPExtension {
    static let name = "THREAD"
    static let states: Set<SessionState> = [.selected]
    static var commands: [any IMAPCommand.Type] { [Self.self] }
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil ? [] : Algorithm.allCases.map { "THREAD=\($0.rawValue)" }
    }

    enum Algorithm: String, CaseIterable, Sendable {
        case orderedSubject = "ORDEREDSUBJECT"
        case references = "REFERENCES"
    }

    /// Messages whose rows are read together.
    private static let batchSize = 256

    private let addressing: Addressing
    private let algorithm: Algorithm
    private let criteria: SearchCriteria

    // thread     = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
    // thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        self.addressing = addressing
        try parser.sp()
        let start = parser.offset
        guard let algorithm = Algorithm(rawValue: try parser.keywordToken()) else {
            throw SyntaxError(expected: "a threading algorithm", offset: start)
        }
        self.algorithm = algorithm
        try parser.sp()
        self.criteria = try SearchCriteria(charsetFirst: &parser)
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        _ = try view.mailbox()
        guard let search = try self.criteria.run(boundTo: view) else {
            return .inline { _ in throw SearchCriteria.unknownCharset }
        }
        let (addressing, algorithm) = (self.addressing, self.algorithm)
        return Work(try self.criteria.footprint(view, addressing)) { output in
            guard let selected = output.selected else { throw Refusal.noSuchMailbox }
            var budget = WorkBudget()
            let found = try await search.found(in: selected)
            let messages = try await Self.read(found, in: selected.id, search.store, algorithm, &budget)
            let threads =
                switch algorithm {
                case .orderedSubject: try await MessageThreads.orderedBySubject(messages, &budget)
                case .references: try await MessageThreads.byReferences(messages, &budget)
                }
            threads.write(selected.numbers(of: messages.uids, addressing), to: &output.writer)
            return Outcome()
        }
    }

    /// What has to be known of the messages found; what is gone is left out.
    private static func read(
        _ found: [UID],
        in mailbox: MailboxID,
        _ store: any MailStore,
        _ algorithm: Algorithm,
        _ budget: inout WorkBudget
    ) async throws -> ThreadedMessages {
        var messages = ThreadedMessages(hasAncestry: algorithm == .references)
        for start in stride(from: 0, to: found.count, by: Self.batchSize) {
            try Task.checkCancellation()
            let batch = Array(found[start..<min(start + Self.batchSize, found.count)])
            for row in try await store.messages(batch, in: mailbox, including: MessageParts(summary: true)) {
                if budget.spend(64 + messages.append(row)) { try await budget.pause() }
            }
        }
        return messages
    }
}
