// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import IMAPServer
import JSONSyntax
import MailMessage
import MailStorage

/// Looks for messages of a mailbox.
enum SearchResource {
    static let routes = [
        StorageRoute(
            method: .post,
            path: "v1/{account}/mailboxes/{mailbox}/search",
            scope: .read,
            summary: "Find messages, ascending by UID; 422 names the conditions that are not known here",
            body: .json(Schemas.search),
            answers: [.init(200, "Lines {uid, id}, and {end, count, state} at the end", .lines)],
            isSmall: true,
            handler: Self.search
        )
    ]

    private static func search(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        let (body, _) = try await call.object(["filter", "sort", "limit"])
        let limit = Int(try body.number("limit", in: 1...Int64(UInt32.max)) ?? Int64(UInt32.max))
        guard !body.has("sort") else { throw SearchFilter.unsupported(["sort"]) }
        let filter = try SearchFilter(body.value("filter") ?? [:])
        guard let state = try await store.mailbox(id)?.status?.highestModSeq else { throw StorageRefusal.notFound }
        let run = SearchRun(filter: filter, store: store, mailbox: id, exchange: call.exchange)
        let candidates = try await run.candidates()
        return .lines { stream in
            var (after, count, hasMore) = (UID(rawValue: 0), 0, true)
            while hasMore, count < limit {
                let batch = try await store.listing(of: id, after: after, limit: StorageService.batchSize, since: nil)
                let found = try await run.matching(batch.messages, candidates)
                for message in found.prefix(limit - count) {
                    stream.add(["uid": .number(Int64(message.uid.rawValue)), "id": .string(message.id.text)])
                }
                count = min(limit, count + found.count)
                try await stream.flush()
                after = batch.messages.last?.uid ?? after
                hasMore = batch.hasMore
            }
            stream.add(["end": true, "count": .number(Int64(count)), "state": .string(state.storageText)])
        }
    }
}

/// One search: what the list says of a message is looked at first, then what is stored of it, then its octets.
private struct SearchRun: Sendable {
    let filter: SearchFilter
    let store: any ServedMailStore
    let mailbox: MailboxID
    let exchange: Exchange

    /// Throws when nobody waits for what is found; lets others go first.
    private func pause() async throws {
        guard !self.exchange.isDisconnected else { throw CancellationError() }
        await Task.yield()
    }

    /// For each term, the messages that may have it, of those there were; nil: any may.
    func candidates() async throws -> (terms: [TextCandidates?], uidNext: UID) {
        // What comes while the index is asked is not in its answers.
        let uidNext = try await self.store.mailbox(self.mailbox)?.status?.uidNext ?? UID(rawValue: 1)
        var terms: [TextCandidates?] = []
        for term in self.filter.terms {
            terms.append(try await self.store.candidates(for: term.term, in: self.mailbox))
        }
        return (terms, uidNext)
    }

    func matching(
        _ messages: [ListedMessage],
        _ known: (terms: [TextCandidates?], uidNext: UID)
    ) async throws -> [ListedMessage] {
        try await self.pause()
        var open: [SearchFilter.Candidate] = []
        var matching: [ListedMessage] = []
        for message in messages {
            let found: [Bool?] = known.terms.map { candidates in
                guard message.uid < known.uidNext, let candidates, !candidates.contains(message.uid) else { return nil }
                return false
            }
            let candidate = SearchFilter.Candidate(row: message, found: found)
            switch self.filter.matches(candidate) {
            case true?: matching.append(message)
            case false?: break
            case nil: open.append(candidate)
            }
        }
        // A few at a time: what is stored of a message may be much.
        for start in stride(from: 0, to: open.count, by: 50) {
            try await self.pause()
            let some = open[start..<min(start + 50, open.count)]
            let stored = try await self.store.messages(
                some.map(\.row.uid),
                in: self.mailbox,
                including: MessageParts(summary: true)
            )
            let byUID = Dictionary(stored.map { ($0.uid, $0) }) { first, _ in first }
            for var candidate in some {
                // Gone meanwhile.
                guard let message = byUID[candidate.row.uid], let summary = message.summary else { continue }
                candidate.summary = summary
                var outcome = self.filter.matches(candidate)
                if outcome == nil {
                    let texts = SearchedOctets(blob: message.blob, summary: summary, store: self.store)
                    do {
                        candidate.found = try await texts.find(self.filter.terms)
                    } catch StoreError.expunged {
                        continue
                    }
                    outcome = self.filter.matches(candidate)
                }
                if outcome == true { matching.append(candidate.row) }
            }
        }
        return matching.sorted { $0.uid < $1.uid }
    }
}

/// The octets of a message, searched for several texts in one pass.
private struct SearchedOctets {
    let blob: BlobID
    let summary: MessageSummary
    let store: any ServedMailStore

    /// For each term whether the message has it.
    func find(_ terms: [SearchFilter.Term]) async throws -> [Bool?] {
        let header = try await self.octets(self.summary.root.headerRange.prefix(SearchText.headerLimit))
        let fields = HeaderParser(header[...]).map(SearchedField.init)
        var finders = terms.map(\.finder)
        var found = [Bool](repeating: false, count: terms.count)
        for (number, term) in terms.enumerated() where term.place != .body {
            found[number] = fields.contains { field in
                guard let name = term.field else { return term.finder.isIn(field.line) }
                return field.name == name && term.finder.isIn(field.text)
            }
        }
        let inText = terms.indices.filter { terms[$0].place == .text }
        if inText.contains(where: { !found[$0] }) {
            var texts = SearchText.ofParts(self.summary.root)
            for range in SearchText.partHeaders(self.summary.root) {
                let octets = try await self.octets(range)
                texts += HeaderParser(octets[...]).map { SearchedField($0).line }
            }
            for number in inText where !found[number] {
                found[number] = texts.contains(where: terms[number].finder.isIn)
            }
        }
        let inBody = terms.indices.filter { terms[$0].place == .body || terms[$0].place == .text }
        for part in self.summary.root.textParts where inBody.contains(where: { !found[$0] }) {
            var reader = PartTextReader(part)
            var position = part.bodyRange.lowerBound
            for number in inBody { finders[number].restart() }
            while position < part.bodyRange.upperBound {
                let octets = try await self.store.octets(of: self.blob, in: position..<part.bodyRange.upperBound)
                guard !octets.isEmpty else { throw StoreError.expunged }
                position += octets.count
                await Task.yield()
                let text = reader.folded(octets[...], isLast: position == part.bodyRange.upperBound)
                for number in inBody where !found[number] {
                    finders[number].feed(text)
                    found[number] = finders[number].isFound
                }
            }
        }
        return found
    }

    private func octets(_ range: Range<Int>) async throws -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count < range.count {
            let more = try await self.store.octets(
                of: self.blob,
                in: (range.lowerBound + octets.count)..<range.upperBound
            )
            guard !more.isEmpty else { throw StoreError.expunged }
            octets += more
        }
        return octets
    }
}
