// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// One attempt to bring a message: from which network, from whom, to whom (RFC 6647 §2.2).
struct GreylistAttempt: Sendable {
    /// The /24 of an IPv4 address, or the /64 of an IPv6 address: large senders try again from another host.
    let network: [UInt8]
    /// In lower case; empty: the null reverse-path.
    let sender: String
    let recipient: String

    /// `client`: 4 or 16 octets.
    init(client: [UInt8], sender: String, recipient: String) {
        self.network = Array(client.prefix(client.count == 4 ? 3 : 8))
        self.sender = sender.lowercased()
        self.recipient = recipient.lowercased()
    }

    /// Under which number the attempt is remembered.
    var number: UInt64 { Self.number(of: [[1], self.network, Array(self.sender.utf8), Array(self.recipient.utf8)]) }
    /// Under which number its network is.
    var networkNumber: UInt64 { Self.number(of: [[0], self.network]) }

    /// FNV-1a: the same in every process.
    ///
    /// It is no secret: whoever chooses addresses for their number can spare himself a second attempt, and no more, for a network
    /// that is known is never taken for an attempt.
    private static func number(of parts: [[UInt8]]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in parts {
            for octet in part + [0] { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01B3 }
        }
        return hash
    }
}

/// Who has tried to bring what, and who has come again (RFC 6647).
///
/// What sends spam seldom comes again; a mail server does. Whoever does after ``Options/delay`` and within ``Options/window`` is
/// let in, and its network need not wait any more for as long as it keeps coming.
///
/// Pure: time is a parameter, in seconds since 1970. Bounded: beyond a limit, those are forgotten first who still wait, the
/// oldest first.
struct GreylistTable: Sendable {
    private let options: Greylist.Options
    private var entries: [UInt64: GreylistEntry] = [:]
    /// Numbers whose entries are other than in the store.
    private var changed: Set<UInt64> = []
    /// How many attempts of a network have been remembered since that hour began: one client must not push out all others.
    private var remembered: (since: Int64, counts: [UInt64: Int]) = (0, [:])
    /// The most of a network in an hour.
    static let attemptsOfNetwork = 200

    init(_ options: Greylist.Options, _ entries: [GreylistEntry] = []) {
        self.options = options
        for entry in entries { self.entries[entry.number] = entry }
        self.makeRoom()
    }

    var count: Int { self.entries.count }

    /// Whether the client has to come again.
    mutating func mustWait(_ attempt: GreylistAttempt, at now: Int64) -> Bool {
        let network = attempt.networkNumber
        if let entry = self.entries[network], entry.isKnown, !self.isOver(entry, at: now) {
            // Not with every message: each is a row to be written.
            if now - entry.since >= 3600 { self.set(GreylistEntry(number: network, since: now, isKnown: true)) }
            return false
        }
        let number = attempt.number
        if let entry = self.entries[number], !entry.isKnown, !self.isOver(entry, at: now) {
            guard now - entry.since >= self.options.delay else { return true }
            self.remove(number)
            self.set(GreylistEntry(number: network, since: now, isKnown: true))
            return false
        }
        if self.entries[number]?.isKnown != true, self.hasRoom(for: network, at: now) {
            self.set(GreylistEntry(number: number, since: now, isKnown: false))
        }
        return true
    }

    private mutating func hasRoom(for network: UInt64, at now: Int64) -> Bool {
        let age = now - self.remembered.since
        if age < 0 || age >= 3600 || self.remembered.counts.count >= self.options.limit { self.remembered = (now, [:]) }
        self.remembered.counts[network, default: 0] += 1
        return self.remembered.counts[network, default: 0] <= Self.attemptsOfNetwork
    }

    /// How much the store does not have yet.
    var changes: Int { self.changed.count }

    /// Forgets what is too old to matter.
    mutating func forgetOld(at now: Int64) {
        for (number, entry) in self.entries where self.isOver(entry, at: now) { self.remove(number) }
    }

    /// What the store does not have yet, at most so much, and the numbers that it is to forget.
    mutating func takeChanges(limit: Int) -> (entries: [GreylistEntry], forgotten: [UInt64]) {
        let numbers = self.changed.prefix(limit)
        self.changed.subtract(Array(numbers))
        return (numbers.compactMap { self.entries[$0] }, numbers.filter { self.entries[$0] == nil })
    }

    /// Says that changes did not get into the store.
    ///
    /// When there are too many, some are forgotten: then the store has what is too old, or lacks what is new.
    mutating func giveBack(_ numbers: [UInt64]) {
        if self.changed.count < 2 * self.options.limit { self.changed.formUnion(numbers) }
    }

    /// A clock that was set back must not make anybody wait for long.
    private func isOver(_ entry: GreylistEntry, at now: Int64) -> Bool {
        let age = now - entry.since
        return age < 0 || age > (entry.isKnown ? self.options.memory : self.options.window)
    }

    private mutating func set(_ entry: GreylistEntry) {
        self.entries[entry.number] = entry
        self.changed.insert(entry.number)
        self.makeRoom()
    }

    private mutating func remove(_ number: UInt64) {
        self.entries[number] = nil
        self.changed.insert(number)
    }

    private mutating func makeRoom() {
        guard self.entries.count > self.options.limit else { return }
        let order = self.entries.values.sorted { ($0.isKnown ? 1 : 0, $0.since) < ($1.isKnown ? 1 : 0, $1.since) }
        for entry in order.dropLast(self.options.limit / 2) { self.remove(entry.number) }
    }
}

/// The ``GreylistTable`` of the process, shared by all sessions.
///
/// It is kept in memory, and written into the store now and then: nobody waits for that. What is lost in a crash makes some
/// clients come once more.
package final class Greylist: Sendable {
    /// Seconds.
    package struct Options: Sendable {
        /// How long a client must wait before it comes again.
        package var delay: Int64 = 300
        /// How long it may wait.
        package var window: Int64 = 86_400
        /// How long a network is known after its last message.
        package var memory: Int64 = 36 * 86_400
        /// What is remembered at most.
        package var limit = 100_000

        package init() {}
    }

    /// What one transaction of the store takes.
    private static let batch = 1000

    private let table: Mutex<GreylistTable>
    private let memory: any GreylistMemory

    /// Begins with what the memory has.
    package init(_ options: Options, memory: any GreylistMemory) async throws {
        self.table = Mutex(GreylistTable(options, try await memory.greylist()))
        self.memory = memory
    }

    func mustWait(_ attempt: GreylistAttempt, at now: Int64) -> Bool {
        self.table.withLock { $0.mustWait(attempt, at: now) }
    }

    /// Writes down what has changed, and forgets what is old.
    package func save(at now: Int64) async throws {
        let rounds = self.table.withLock { table in
            table.forgetOld(at: now)
            return table.changes / Self.batch + 1
        }
        // What changes meanwhile is written the next time.
        for _ in 0..<rounds {
            let changes = self.table.withLock { $0.takeChanges(limit: Self.batch) }
            if changes.entries.isEmpty, changes.forgotten.isEmpty { return }
            do {
                try await self.memory.updateGreylist(changes.entries, forgetting: changes.forgotten)
            } catch {
                self.table.withLock { $0.giveBack(changes.entries.map(\.number) + changes.forgotten) }
                throw error
            }
        }
    }
}
