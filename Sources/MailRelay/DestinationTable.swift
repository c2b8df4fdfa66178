// SPDX-License-Identifier: Apache-2.0

import MailMessage
import SMTPSyntax

/// What waits for which destination, and which of them seem dead (RFC 5321 §4.5.4.1).
///
/// Destinations take turns, so a slow one or one with much mail does not hold up others. One about which nothing good is
/// known is tried with one message; the others wait for what that one finds.
struct DestinationTable {
    /// What to do next.
    enum Order {
        case attempt(Consignment)
        /// Defer these until then, for that reason.
        case wait([Consignment], until: UnixTime, DeliveryStatus)
    }

    private struct State {
        var waiting = FirstInFirstOut<Consignment>()
        var running = 0
        /// Attempts in a row that reached nobody.
        var failures = 0
        /// Not before then, and what the last attempt found.
        var rest: (until: UnixTime, reason: DeliveryStatus)?
        /// Somebody answered not long ago.
        var isProven = false
        /// Whether its turn will come.
        var isListed = false

        var isIdle: Bool { self.waiting.isEmpty && self.running == 0 }
    }

    private let options: RelayService.Options
    private var states: [Destination: State] = [:]
    /// Whose turn it is.
    private var turns = FirstInFirstOut<Destination>()
    /// Forget old failures when there are more destinations than this.
    private var pruneAt = 10_000

    init(_ options: RelayService.Options) {
        self.options = options
    }

    /// Puts a consignment behind others for its destination.
    mutating func add(_ consignment: Consignment) {
        self.states[consignment.destination, default: State()].waiting.append(consignment)
        self.list(consignment.destination)
    }

    /// What may be done now; nil if nothing until something ends or comes.
    mutating func next(at now: UnixTime) -> Order? {
        while let destination = self.turns.popFirst() {
            guard var state = self.states[destination] else { continue }
            state.isListed = false
            defer { self.states[destination] = state }
            guard let first = state.waiting.first else { continue }
            if let rest = state.rest, rest.until > now {
                return .wait(state.waiting.removeAll(), until: rest.until, rest.reason)
            }
            guard state.running < (state.isProven ? self.options.attemptsPerDestination : 1) else { continue }
            _ = state.waiting.popFirst()
            state.running += 1
            state.isListed = true
            self.turns.append(destination)
            return .attempt(first)
        }
        return nil
    }

    /// An attempt at this destination has ended.
    mutating func ended(_ destination: Destination, _ outcome: Attempt.Outcome, at now: UnixTime) {
        guard var state = self.states[destination] else { return }
        state.running -= 1
        switch outcome {
        case .reached:
            state.failures = 0
            state.rest = nil
            state.isProven = true
        case .unreachable(let reason):
            state.isProven = false
            // Of several at once, only the first counts.
            if state.rest.map({ $0.until <= now }) ?? true {
                state.failures += 1
                state.rest = (now.advanced(by: self.pause(afterFailures: state.failures)), reason)
            }
        case .undecided, .again:
            break
        }
        self.states[destination] = state.isIdle && state.failures == 0 ? nil : state
        self.list(destination)
        self.prune(now)
    }

    /// Lets every destination be tried again.
    mutating func forgetFailures() {
        for destination in self.states.keys { self.states[destination]?.rest = nil }
    }

    /// As the schedule, at its earliest: so that no message is due again before its destination is.
    private func pause(afterFailures failures: Int) -> Int64 {
        let pause = min(self.options.schedule.pause(afterAttempts: failures), self.options.longestProbePause)
        return max(1, pause - pause * min(max(self.options.schedule.jitter, 0), 90) / 100)
    }

    private mutating func list(_ destination: Destination) {
        guard let state = self.states[destination], !state.isListed, !state.waiting.isEmpty else { return }
        self.states[destination]?.isListed = true
        self.turns.append(destination)
    }

    /// Names of dead destinations must not gather for ever.
    private mutating func prune(_ now: UnixTime) {
        guard self.states.count > self.pruneAt else { return }
        self.states = self.states.filter { _, state in
            !state.isIdle || state.rest.map { $0.until.advanced(by: self.options.longestProbePause) > now } ?? false
        }
        self.pruneAt = max(10_000, self.states.count * 2)
    }
}

/// A queue in which appending and taking cost the same however long it is.
struct FirstInFirstOut<Element> {
    private var incoming: [Element] = []
    /// In reverse order.
    private var outgoing: [Element] = []

    var isEmpty: Bool { self.incoming.isEmpty && self.outgoing.isEmpty }
    var first: Element? { self.outgoing.last ?? self.incoming.first }

    mutating func append(_ element: Element) { self.incoming.append(element) }

    mutating func popFirst() -> Element? {
        if self.outgoing.isEmpty {
            self.outgoing = self.incoming.reversed()
            self.incoming = []
        }
        return self.outgoing.popLast()
    }

    /// Takes all, in order.
    mutating func removeAll() -> [Element] {
        defer {
            self.incoming = []
            self.outgoing = []
        }
        return self.outgoing.reversed() + self.incoming
    }
}
