// SPDX-License-Identifier: Apache-2.0

/// A rate for each of many keys: so much at once, all of it regained within a period.
///
/// Pure: time is a parameter, which never goes back. Bounded: at most `tableLimit` keys are remembered, and when there
/// are more, those are forgotten first that have used least.
struct RateTable<Key: Hashable & Sendable>: Sendable {
    private let burst: Int
    private let pause: Duration
    private let tableLimit: Int
    /// When all is regained.
    private var fullAt: [Key: Duration] = [:]

    /// `burst` is at least 1, `tableLimit` at least 2.
    init(_ burst: Int, per period: Duration, tableLimit: Int) {
        precondition(burst >= 1 && tableLimit >= 2)
        self.burst = burst
        self.pause = period / burst
        self.tableLimit = tableLimit
    }

    var count: Int { self.fullAt.count }

    /// Whether the key has something left.
    func hasRoom(_ key: Key, at now: Duration) -> Bool {
        max(self.fullAt[key] ?? now, now) - now + self.pause <= self.pause * self.burst
    }

    /// Uses one, whether there is one or not; more than all is never used.
    mutating func use(_ key: Key, at now: Duration) {
        if self.fullAt[key] == nil { self.makeRoom(at: now) }
        let full = max(self.fullAt[key] ?? now, now)
        self.fullAt[key] = min(full + self.pause, now + self.pause * self.burst)
    }

    /// Says that the key has used nothing.
    mutating func forget(_ key: Key) { self.fullAt[key] = nil }

    private mutating func makeRoom(at now: Duration) {
        guard self.fullAt.count >= self.tableLimit else { return }
        self.fullAt = self.fullAt.filter { $0.value > now }
        guard self.fullAt.count > self.tableLimit / 2 else { return }
        let most = self.fullAt.sorted { $0.value > $1.value }.prefix(self.tableLimit / 2)
        self.fullAt = Dictionary(uniqueKeysWithValues: most.map { ($0.key, $0.value) })
    }
}
