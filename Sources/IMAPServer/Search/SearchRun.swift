// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// Finds the messages that meet a program, reading no more of each than it takes to decide.
struct SearchRun: Sendable {
    let program: SearchProgram
    let texts: [TextKey]
    let store: any MailStore

    /// Messages whose rows are read together.
    private static let batchSize = 256
    /// How many tests a search may take that runs within its session.
    private static let quickTests = 1_000_000
    /// How much of a header is searched; none is longer but by intent.
    private static let headerLimit = 1 << 20

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
        var progress = progress
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
        var openCount = open.count
        for start in stride(from: 0, to: open.count, by: Self.batchSize) {
            try Task.checkCancellation()
            let rows = try await self.store.messages(
                Array(open[start..<min(start + Self.batchSize, open.count)]),
                in: selected.id,
                including: MessageParts(summary: program.cost >= .summary, digest: program.needsDigest)
            )
            for row in rows {
                guard var message = SearchedMessage(row.uid, in: selected, index) else { continue }
                message.row = row
                if try await self.meets(program, &message, row, &budget) { decided.append(row.uid) }
                openCount -= 1
                progress?.tell(selected.uids.count - openCount, of: selected.uids.count)
                if budget.spend(keyCount) { try await budget.pause() }
            }
        }
        return decided.sorted()
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
        guard let range = row.summary?.root.headerRange.prefix(Self.headerLimit) else { return [] }
        var header: [UInt8] = []
        while header.count < range.count {
            header += try await self.store.octets(of: row.blob, in: range.lowerBound + header.count..<range.upperBound)
        }
        var fields: [SearchedField] = []
        for field in HeaderParser(header) {
            fields.append(SearchedField(field))
            if budget.spend(field.octets.count) { try await budget.pause() }
        }
        return fields
    }

    /// Reads the text parts once for all text keys.
    private func textsFound(
        in row: StoredMessage,
        _ header: [SearchedField],
        _ budget: inout WorkBudget
    ) async throws -> Set<Int> {
        var finders = self.texts.map(\.finder)
        for field in header {
            for (index, text) in self.texts.enumerated() where text.includesHeader {
                finders[index].restart()
                finders[index].feed(field.name)
                finders[index].feed([UInt8(ascii: ":"), UInt8(ascii: " ")])
                finders[index].feed(field.text)
                if budget.spend(field.text.count) { try await budget.pause() }
            }
        }
        guard let root = row.summary?.root else { return [] }
        for part in root.textParts where finders.contains(where: { !$0.isFound }) {
            var reader = PartTextReader(part)
            for index in finders.indices { finders[index].restart() }
            var offset = part.bodyRange.lowerBound
            while offset < part.bodyRange.upperBound, finders.contains(where: { !$0.isFound }) {
                try Task.checkCancellation()
                let octets = try await self.store.octets(
                    of: row.blob,
                    in: offset..<min(offset + 262_144, part.bodyRange.upperBound)
                )
                offset += octets.count
                let text = reader.folded(octets[...], isLast: offset >= part.bodyRange.upperBound)
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

extension Part {
    /// The parts whose text a person reads, those within attached messages included.
    fileprivate var textParts: [Part] {
        if let message = self.message { return message.root.textParts }
        if !self.children.isEmpty { return self.children.flatMap(\.textParts) }
        return self.contentType.isType("text") ? [self] : []
    }
}
