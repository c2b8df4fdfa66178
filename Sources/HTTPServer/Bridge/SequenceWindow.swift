// SPDX-License-Identifier: Apache-2.0

/// The order of numbered bodies (`Bridge-Seq`): one that comes too early waits for those that are missing before it, and one
/// that comes again is not sent again.
struct SequenceWindow<Item: Sendable>: Sendable {
    /// What becomes of a body.
    enum Admission: Sendable, Equatable {
        /// It is its turn.
        case now
        /// It was sent before.
        case repeated
        /// Others are missing before it.
        case early
        /// It is too far ahead, or too much waits.
        case beyond
    }

    private struct Waiting: Sendable {
        let item: Item
        let count: Int
    }

    /// Numbers from the next one on that are taken, and octets of the bodies that wait.
    static var numberLimit: UInt64 { 16 }
    static var octetLimit: Int { 256 * 1024 }

    /// The number whose turn it is.
    private(set) var next: UInt64 = 1
    private var waiting: [UInt64: Waiting] = [:]
    private(set) var waitingCount = 0

    /// Decides about a body of `count` octets; changes nothing.
    func admission(of number: UInt64, count: Int) -> Admission {
        if number < self.next { return .repeated }
        if number == self.next { return .now }
        let known = self.waiting[number]?.count ?? 0
        guard number - self.next < Self.numberLimit, self.waitingCount - known + count <= Self.octetLimit else {
            return .beyond
        }
        return .early
    }

    /// Keeps a body that is early; returns the one that had its number, which is forgotten.
    mutating func hold(_ item: Item, _ number: UInt64, count: Int) -> Item? {
        let older = self.remove(number)
        self.waiting[number] = Waiting(item: item, count: count)
        self.waitingCount += count
        return older
    }

    /// The body whose turn it was has been sent.
    mutating func advance() { self.next += 1 }

    /// Takes out the body whose turn it is, if it waits.
    mutating func takeNext() -> Item? { self.remove(self.next) }

    /// Takes out a body that waits.
    mutating func remove(_ number: UInt64) -> Item? {
        guard let waiting = self.waiting.removeValue(forKey: number) else { return nil }
        self.waitingCount -= waiting.count
        return waiting.item
    }

    /// Takes out all that wait.
    mutating func removeAll() -> [Item] {
        defer { (self.waiting, self.waitingCount) = ([:], 0) }
        return self.waiting.values.map(\.item)
    }
}
