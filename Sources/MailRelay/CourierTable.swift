// SPDX-License-Identifier: Apache-2.0

/// The tasks that attempt messages, and their connections that wait for more.
///
/// A connection that has been made for one message serves others for the same destination: making one costs several round
/// trips, and TLS. What a task was given and did not hear of any more comes back with ``left(_:)``.
struct CourierTable {
    private struct Courier {
        /// What it works on, or has been given.
        var consignment: Consignment?
        /// Where its connection leads, and what reaches it, while it waits.
        var waiting: (destination: Destination, post: @Sendable (ClientNote) -> Void)?
    }

    private var couriers: [Int: Courier] = [:]
    /// Those that wait, the last one at the end: it has the best prospects of being listened to.
    private var idle: [Destination: [Int]] = [:]
    /// All of them, in the order in which they began to wait.
    private var idleOrder: [Int] = []
    private var lastNumber = 0

    var isEmpty: Bool { self.couriers.isEmpty }

    /// A new task, for this; its number.
    mutating func begin(_ consignment: Consignment) -> Int {
        self.lastNumber += 1
        self.couriers[self.lastNumber] = Courier(consignment: consignment)
        return self.lastNumber
    }

    /// The task has done what it was given.
    mutating func finished(_ number: Int) { self.couriers[number]?.consignment = nil }

    /// The task's connection waits for more; beyond the limit of all, or of each destination, the one that has waited longest
    /// is sent away instead.
    mutating func isIdle(
        _ number: Int,
        _ destination: Destination,
        _ post: @escaping @Sendable (ClientNote) -> Void,
        limit: Int,
        each: Int
    ) {
        guard self.couriers[number] != nil else { return }
        guard limit > 0, each > 0 else { return post(.dismissal) }
        if let other = self.idle[destination]?.first, self.idle[destination, default: []].count >= each {
            self.wake(other)?(.dismissal)
        } else if self.idleOrder.count >= limit, let other = self.idleOrder.first {
            self.wake(other)?(.dismissal)
        }
        self.couriers[number]?.waiting = (destination, post)
        self.idle[destination, default: []].append(number)
        self.idleOrder.append(number)
    }

    /// Gives a consignment to a task whose connection waits for such; false if there is none.
    mutating func give(_ consignment: Consignment) -> Bool {
        guard let number = self.idle[consignment.destination]?.last, let post = self.wake(number) else { return false }
        self.couriers[number]?.consignment = consignment
        post(.work(consignment))
        return true
    }

    /// Sends away all that wait.
    mutating func dismissIdle() {
        for number in self.idleOrder { self.wake(number)?(.dismissal) }
    }

    /// The task has come to its end; what it had been given and did not do.
    mutating func left(_ number: Int) -> Consignment? {
        _ = self.wake(number)
        return self.couriers.removeValue(forKey: number)?.consignment
    }

    /// It does not wait any more; what reaches it.
    private mutating func wake(_ number: Int) -> (@Sendable (ClientNote) -> Void)? {
        guard let (destination, post) = self.couriers[number]?.waiting else { return nil }
        self.couriers[number]?.waiting = nil
        let others = self.idle[destination, default: []].filter { $0 != number }
        self.idle[destination] = others.isEmpty ? nil : others
        self.idleOrder.removeAll { $0 == number }
        return post
    }
}
