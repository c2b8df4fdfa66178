// SPDX-License-Identifier: Apache-2.0

/// How much there is of each; what there is nothing of takes no memory.
struct Tally<Key: Hashable & Sendable>: Sendable {
    private var counts: [Key: Int] = [:]

    subscript(key: Key) -> Int { self.counts[key, default: 0] }

    mutating func add(_ count: Int = 1, to key: Key) { self.set(self[key] + count, for: key) }

    mutating func subtract(_ count: Int = 1, from key: Key) { self.set(self[key] - count, for: key) }

    private mutating func set(_ count: Int, for key: Key) { self.counts[key] = count == 0 ? nil : count }
}
