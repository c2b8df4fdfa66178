// SPDX-License-Identifier: Apache-2.0

/// Counts, for each address, requests for connections that do not exist, and shuts out those who guess.
struct GuessLimiter {
    private struct Guesses {
        var count: Int
        /// When the minute, or the penalty, is over.
        var end: Duration
        var isShutOut = false
    }

    /// Addresses that are remembered; beyond that the memory begins anew, which costs a guesser 2^16 addresses.
    private static let tableLimit = 65_536

    let limit: Int
    let penalty: Duration
    private var table: [[UInt8]: Guesses] = [:]

    init(limit: Int, penalty: Duration) {
        self.limit = limit
        self.penalty = penalty
    }

    /// How much longer the address is shut out; nil if it is not.
    func penalty(of address: [UInt8], at now: Duration) -> Duration? {
        guard let guesses = self.table[address], guesses.isShutOut, guesses.end > now else { return nil }
        return guesses.end - now
    }

    /// The address has asked for something that is not there.
    mutating func count(_ address: [UInt8], at now: Duration) {
        if self.table.count >= Self.tableLimit, self.table[address] == nil {
            self.table = self.table.filter { $0.value.end > now }
            if self.table.count >= Self.tableLimit { self.table = [:] }
        }
        var guesses = self.table[address] ?? Guesses(count: 0, end: now + .seconds(60))
        if guesses.end <= now { guesses = Guesses(count: 0, end: now + .seconds(60)) }
        guesses.count += 1
        if guesses.count > self.limit, !guesses.isShutOut {
            guesses.isShutOut = true
            guesses.end = now + self.penalty
        }
        self.table[address] = guesses
    }
}
