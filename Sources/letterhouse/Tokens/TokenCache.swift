// SPDX-License-Identifier: Apache-2.0

/// Tokens of which it was told not long ago whose they are; pure.
struct TokenCache {
    /// How long an answer counts at most.
    static let lifetime: Duration = .seconds(60)
    private static let limit = 4096

    private struct Entry {
        let holder: String
        let until: Duration
    }

    private var entries: [[UInt8]: Entry] = [:]

    var count: Int { self.entries.count }

    /// Whose the token with this hash is, if that is known.
    func holder(of hash: [UInt8], at now: Duration) -> String? {
        guard let entry = self.entries[hash], now < entry.until else { return nil }
        return entry.holder
    }

    /// Keeps an answer for a minute, or until the token expires in `rest`; nil: nobody knows when.
    mutating func keep(_ holder: String, for hash: [UInt8], rest: Duration?, at now: Duration) {
        if self.entries.count >= Self.limit {
            self.entries = self.entries.filter { now < $0.value.until }
            if self.entries.count >= Self.limit { self.entries = [:] }
        }
        self.entries[hash] = Entry(holder: holder, until: now + min(rest ?? Self.lifetime, Self.lifetime))
    }
}
