// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// Sorts messages by what the store knows of them: each row is read once, only the values are kept.
struct SortRun: Sendable {
    let criteria: [SortCriterion]
    let store: any MailStore

    /// Messages whose rows are read together.
    private static let batchSize = 256

    /// The messages in the order that the criteria say, those that are equal in that of the mailbox; what is gone is
    /// left out.
    ///
    /// `found` is ascending.
    func sorted(_ found: [UID], in mailbox: MailboxID) async throws -> [UID] {
        var budget = WorkBudget()
        var uids: [UID] = []
        var columns = self.criteria.map { SortColumn(isReversed: $0.isReversed) }
        let parts = MessageParts(summary: self.criteria.contains(where: \.needsSummary))
        for start in stride(from: 0, to: found.count, by: Self.batchSize) {
            try Task.checkCancellation()
            let batch = Array(found[start..<min(start + Self.batchSize, found.count)])
            for row in try await self.store.messages(batch, in: mailbox, including: parts) {
                uids.append(row.uid)
                var octets = 0
                for (index, criterion) in self.criteria.enumerated() {
                    octets += columns[index].append(criterion.value(of: row))
                }
                if budget.spend(64 + octets) { try await budget.pause() }
            }
        }
        let sorted = try await MergeSort.sorted(uids.count, &budget) { left, right in
            for column in columns {
                let order = column.compare(left, right)
                if order != 0 { return order }
            }
            return 0
        }
        return sorted.map { uids[$0] }
    }

    /// Puts more messages among those that are sorted already, comparing each with a few of these.
    ///
    /// `added` is ascending. Of those that are gone, some may be left out.
    func inserting(_ added: [UID], into sorted: [UID], in mailbox: MailboxID) async throws -> [UID] {
        if added.count * Self.comparisons > sorted.count {
            return try await self.sorted((sorted + added).sorted(), in: mailbox)
        }
        var result: [UID] = []
        result.reserveCapacity(sorted.count + added.count)
        var taken = 0
        for uid in try await self.sorted(added, in: mailbox) {
            let position = try await self.position(of: uid, in: sorted, from: taken, mailbox)
            result += sorted[taken..<position]
            result.append(uid)
            taken = position
        }
        return result + sorted[taken...]
    }

    /// What finding a place takes about, in messages read.
    private static let comparisons = 32

    /// Before which of the sorted messages one belongs, by bisection; those that are gone say nothing.
    private func position(
        of uid: UID,
        in sorted: [UID],
        from start: Int,
        _ mailbox: MailboxID
    ) async throws -> Int {
        var (low, high) = (start, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            var next = middle
            var isBefore: Bool?
            while next < high, isBefore == nil {
                try Task.checkCancellation()
                let pair = try await self.sorted([uid, sorted[next]].sorted(), in: mailbox)
                if pair.contains(sorted[next]) { isBefore = pair.first == uid } else { next += 1 }
            }
            if isBefore == false { low = next + 1 } else { high = middle }
        }
        return low
    }
}

/// One criterion's values for all messages.
private struct SortColumn {
    /// What counts of a text: as much as a line of a header may have (RFC 5322 §2.1.1), so that memory is bounded.
    private static let textLimit = 998

    let isReversed: Bool
    private var numbers: [Int64] = []
    /// Texts as they are compared, one behind the other, and where each ends.
    private var octets: [UInt8] = []
    private var ends: [Int] = []

    init(isReversed: Bool) { self.isReversed = isReversed }

    /// Adds the next message's value; how many octets that took.
    mutating func append(_ value: SortCriterion.Value) -> Int {
        switch value {
        case .number(let number):
            self.numbers.append(number)
            return 8
        case .text(let text):
            let key = UnicodeCasemap.key(text, limit: Self.textLimit)
            self.octets += key
            self.ends.append(self.octets.count)
            return text.utf8.count + key.count
        }
    }

    /// Below zero if the left message goes before the right one, above zero if behind it.
    func compare(_ left: Int, _ right: Int) -> Int {
        let order = self.ends.isEmpty ? self.compareNumbers(left, right) : self.compareTexts(left, right)
        return self.isReversed ? -order : order
    }

    private func compareNumbers(_ left: Int, _ right: Int) -> Int {
        let (left, right) = (self.numbers[left], self.numbers[right])
        return left < right ? -1 : left > right ? 1 : 0
    }

    private func compareTexts(_ left: Int, _ right: Int) -> Int {
        let (left, right) = (self.range(left), self.range(right))
        let common = min(left.count, right.count)
        for offset in 0..<common {
            let order = Int(self.octets[left.lowerBound + offset]) - Int(self.octets[right.lowerBound + offset])
            if order != 0 { return order }
        }
        return left.count - right.count
    }

    private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : self.ends[index - 1])..<self.ends[index] }
}
