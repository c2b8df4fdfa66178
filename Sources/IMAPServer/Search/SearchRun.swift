// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// Finds the messages that meet a program, reading no more of each than it takes to decide.
struct SearchRun: Sendable {
    let program: SearchProgram
    let texts: [TextKey]
    let store: any MailStore
    /// For how many messages an index is asked: to look at few costs no more.
    var narrowsFrom = 32

    /// Messages whose rows are read together.
    private static let batchSize = 256
    /// The same where octets are read too, and up to which size: 1 MiB together.
    private static let contentBatchSize = 32
    private static let contentLimit = 1 << 15
    /// How many tests a search may take that runs within its session.
    private static let quickTests = 1_000_000
    /// A program with more texts than a person types is not worth asking an index for each.
    private static let termLimit = 16

    /// Whether memory has the answer at once, so that ``foundInMemory(in:)`` may be asked.
    func isQuick(for messages: Int) -> Bool {
        self.program.cost == .state && self.program.keyCount <= Self.quickTests / max(1, messages)
    }

    /// The UIDs found, ascending, of those the client knows, or of these; what is gone is not found.
    ///
    /// `progress` hears how many messages have been decided.
    func found(
        in selected: SelectedMailbox,
        among uids: [UInt32]? = nil,
        telling progress: ProgressReport? = nil
    ) async throws -> [UID] {
        guard let index = selected.resident.current else { throw Refusal.noSuchMailbox }
        let program = self.program.resolved(in: index)
        let keyCount = program.keyCount
        var budget = WorkBudget()
        var decided: [UID] = []
        var open: [UID] = []
        for uid in (uids ?? selected.uids).lazy.map(UID.init(rawValue:)) {
            guard let message = SearchedMessage(uid, in: selected, index) else { continue }
            switch program.matches(message, knowing: .state) {
            case true: decided.append(uid)
            case false: break
            case nil: open.append(uid)
            }
            if budget.spend(keyCount) { try await budget.pause() }
        }
        guard !open.isEmpty else { return decided }
        var search = Search(
            program: program,
            index: index,
            selected: selected,
            open: open,
            decided: decided,
            progress: progress
        )
        if open.count >= self.narrowsFrom { try await self.narrow(&search, &budget) }
        // Dates, sizes and addresses may leave little of which more has to be read.
        for cost in [SearchCost.row, .summary] where program.has(cost) && program.cost > cost {
            try await self.read(&search, knowing: cost, &budget)
        }
        try await self.read(&search, knowing: program.cost, &budget)
        return search.decided.sorted()
    }

    /// What has been found out so far.
    private struct Search {
        var program: SearchProgram
        let index: MailboxIndex
        let selected: SelectedMailbox
        /// Ascending.
        var open: [UID]
        /// Those that meet the program.
        var decided: [UID]
        var progress: ProgressReport?
    }

    /// Asks the store's index, and decides what that decides.
    private func narrow(_ search: inout Search, _ budget: inout WorkBudget) async throws {
        let terms = search.program.terms
        guard !terms.isEmpty, terms.count <= Self.termLimit else { return }
        var known: [TextTerm: TextCandidates] = [:]
        for term in terms {
            known[term] = try await self.store.candidates(for: term, in: search.selected.id)
        }
        guard !known.isEmpty else { return }
        search.program = search.program.narrowed(known)
        let keyCount = search.program.keyCount
        var open: [UID] = []
        for uid in search.open {
            guard let message = SearchedMessage(uid, in: search.selected, search.index) else { continue }
            switch search.program.matches(message, knowing: .state) {
            case true: search.decided.append(uid)
            case false: break
            case nil: open.append(uid)
            }
            if budget.spend(keyCount) { try await budget.pause() }
        }
        search.open = open
    }

    /// Reads what is open, up to `cost`, and decides what that decides: everything, if no key costs more.
    private func read(_ search: inout Search, knowing cost: SearchCost, _ budget: inout WorkBudget) async throws {
        let keyCount = search.program.keyCount
        let open = search.open
        search.open = []
        var rest = open.count
        let readsContent = cost >= .header
        let batchSize = readsContent ? Self.contentBatchSize : Self.batchSize
        for start in stride(from: 0, to: open.count, by: batchSize) {
            try Task.checkCancellation()
            let rows = try await self.store.messages(
                Array(open[start..<min(start + batchSize, open.count)]),
                in: search.selected.id,
                including: MessageParts(
                    summary: cost >= .summary,
                    contentUpTo: readsContent ? Self.contentLimit : 0,
                    digest: search.program.needsDigest
                )
            )
            for row in rows {
                guard var message = SearchedMessage(row.uid, in: search.selected, search.index) else { continue }
                message.row = row
                if cost < search.program.cost {
                    switch search.program.matches(message, knowing: cost) {
                    case true: search.decided.append(row.uid)
                    case false: break
                    case nil: search.open.append(row.uid)
                    }
                } else {
                    if try await self.meets(search.program, &message, row, &budget) { search.decided.append(row.uid) }
                    rest -= 1
                    search.progress?.tell(search.selected.uids.count - rest, of: search.selected.uids.count)
                }
                if budget.spend(keyCount) { try await budget.pause() }
            }
        }
    }

    /// The same with memory's answers only; nil if the mailbox has been deleted.
    func foundInMemory(in selected: SelectedMailbox, among uids: [UInt32]? = nil) -> [UID]? {
        guard let index = selected.resident.current else { return nil }
        let program = self.program.resolved(in: index)
        return (uids ?? selected.uids).lazy.map(UID.init(rawValue:)).filter { uid in
            guard let message = SearchedMessage(uid, in: selected, index) else { return false }
            return program.matches(message, knowing: .state) == true
        }
    }

    /// Whether the message meets the program, reading on until that is known.
    private func meets(
        _ program: SearchProgram,
        _ message: inout SearchedMessage,
        _ row: StoredMessage,
        _ budget: inout WorkBudget
    ) async throws -> Bool {
        do {
            if let result = program.matches(message, knowing: .summary) { return result }
            let header = try await self.header(of: row, &budget)
            message.header = header
            if let result = program.matches(message, knowing: .header) { return result }
            message.foundTexts = try await self.textsFound(in: row, header, &budget)
            return program.matches(message, knowing: .content) == true
        } catch StoreError.expunged {
            return false
        }
    }

    private func header(of row: StoredMessage, _ budget: inout WorkBudget) async throws -> [SearchedField] {
        guard let range = row.summary?.root.headerRange.prefix(SearchText.headerLimit) else { return [] }
        return try await self.fields(of: row, in: range, &budget)
    }

    private func fields(
        of row: StoredMessage,
        in range: Range<Int>,
        _ budget: inout WorkBudget
    ) async throws -> [SearchedField] {
        var header: [UInt8] = []
        while header.count < range.count {
            header += try await self.octets(of: row, in: range.lowerBound + header.count..<range.upperBound)
        }
        var fields: [SearchedField] = []
        for field in HeaderParser(header) {
            fields.append(SearchedField(field))
            if budget.spend(field.octets.count) { try await budget.pause() }
        }
        return fields
    }

    /// Some of the octets: those that came with the row, or else the store's.
    private func octets(of row: StoredMessage, in range: Range<Int>) async throws -> ArraySlice<UInt8> {
        guard let content = row.content, range.upperBound <= content.count else {
            return try await self.store.octets(of: row.blob, in: range)[...]
        }
        return content[range]
    }

    /// Reads the text parts once for all text keys.
    private func textsFound(
        in row: StoredMessage,
        _ header: [SearchedField],
        _ budget: inout WorkBudget
    ) async throws -> Set<Int> {
        var finders = self.texts.map(\.finder)
        guard let root = row.summary?.root else { return [] }
        if self.texts.contains(where: \.includesHeader) {
            var lines = header.map(\.line) + SearchText.ofParts(root)
            for range in SearchText.partHeaders(root) {
                lines += try await self.fields(of: row, in: range, &budget).map(\.line)
            }
            for line in lines {
                for (index, text) in self.texts.enumerated() where text.includesHeader {
                    finders[index].restart()
                    finders[index].feed(line)
                }
                if budget.spend(line.count) { try await budget.pause() }
            }
        }
        for part in root.textParts where finders.contains(where: { !$0.isFound }) {
            var reader = PartTextReader(part)
            for index in finders.indices { finders[index].restart() }
            var offset = part.bodyRange.lowerBound
            while offset < part.bodyRange.upperBound, finders.contains(where: { !$0.isFound }) {
                try Task.checkCancellation()
                let octets = try await self.octets(
                    of: row,
                    in: offset..<min(offset + 262_144, part.bodyRange.upperBound)
                )
                offset += octets.count
                let text = reader.folded(octets, isLast: offset >= part.bodyRange.upperBound)
                for index in finders.indices {
                    finders[index].feed(text)
                    if budget.spend(text.count) { try await budget.pause() }
                }
            }
        }
        return Set(finders.indices.filter { finders[$0].isFound })
    }
}

extension SearchedMessage {
    /// What memory knows; nil if the message is gone.
    fileprivate init?(_ uid: UID, in selected: SelectedMailbox, _ index: MailboxIndex) {
        guard let slot = index[uid] else { return nil }
        self.init(uid: uid, slot: slot, isRecent: uid >= selected.recentFrom)
    }
}
