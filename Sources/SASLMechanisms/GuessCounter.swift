// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The ``GuessLimits`` of the process, shared by all protocols, with its clock.
package final class GuessCounter: Sendable {
    private let limits: Mutex<GuessLimits>
    private let now: @Sendable () -> Duration
    private let octets: @Sendable (String) -> [UInt8]?
    private let report: @Sendable (String) -> Void

    /// Puts it together.
    ///
    /// `now` is monotonic time. `octets` makes 4 or 16 octets in network order of the text of an address; nil: its
    /// guesses are not counted. `report` is told of an address the first time one of its guesses is refused.
    package init(
        _ limits: GuessLimits,
        now: @escaping @Sendable () -> Duration,
        octets: @escaping @Sendable (String) -> [UInt8]?,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.limits = Mutex(limits)
        self.now = now
        self.octets = octets
        self.report = report
    }

    /// Counts a guess before it is looked at; nil if those of the address are not counted.
    ///
    /// Throws ``SASLFailure/tooManyGuesses``.
    func begin(_ user: String, from address: String) throws(SASLFailure) -> GuessLimits.Guess? {
        guard let origin = self.octets(address).flatMap(GuessOrigin.init) else { return nil }
        let now = self.now()
        switch self.limits.withLock({ $0.begin(user, from: origin, at: now) }) {
        case .allowed(let guess): return guess
        case .refused(let isFirst):
            if isFirst { self.report(address) }
            throw .tooManyGuesses
        }
    }

    /// Throws ``SASLFailure/tooManyGuesses`` if a guess would be refused; counts none.
    func check(_ user: String, from address: String) throws(SASLFailure) {
        guard let origin = self.octets(address).flatMap(GuessOrigin.init) else { return }
        let now = self.now()
        if self.limits.withLock({ $0.refuses(user, from: origin, at: now) }) { throw .tooManyGuesses }
    }

    /// Whether anybody has logged in from that address lately, or its guesses are not counted.
    func knows(_ address: String) -> Bool {
        guard let origin = self.octets(address).flatMap(GuessOrigin.init) else { return true }
        let now = self.now()
        return self.limits.withLock { $0.knows(origin, at: now) }
    }

    /// From where somebody has logged in since the last call, of an address once a day: to be written down.
    package func newVisits() -> [GuessLimits.Visit] {
        let now = self.now()
        return self.limits.withLock { $0.newVisits(at: now) }
    }

    /// Those could not be written down: they come again with the next call.
    package func tellAgain(_ visits: [GuessLimits.Visit]) { self.limits.withLock { $0.tellAgain(visits) } }

    /// Takes in what an earlier process has written down.
    package func restore(_ visits: [GuessLimits.Visit]) {
        let now = self.now()
        self.limits.withLock { $0.restore(visits, at: now) }
    }

    /// Somebody has logged in from that address without a guess.
    func welcome(_ user: String, from address: String) {
        guard let origin = self.octets(address).flatMap(GuessOrigin.init) else { return }
        let now = self.now()
        self.limits.withLock { $0.welcome(user, from: origin, at: now) }
    }

    /// Says what became of a guess; once for each.
    func end(_ guess: GuessLimits.Guess?, _ outcome: GuessLimits.Outcome) {
        guard let guess else { return }
        let now = self.now()
        self.limits.withLock { $0.end(guess, outcome, at: now) }
    }
}
