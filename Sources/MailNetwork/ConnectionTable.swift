// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// How many connections a listener serves at the same time.
package struct ConnectionLimits: Sendable {
    /// In all.
    package var total: Int
    /// From one IPv4 address or one /64 of IPv6.
    package var perAddress: Int

    package init(total: Int = 10_000, perAddress: Int = 100) {
        self.total = total
        self.perAddress = perAddress
    }
}

/// Who is connected to a listener; a value that lives on the listener's own event loop.
struct ConnectionTable {
    private struct Entry {
        let channel: any Channel
        let address: AddressKey?
        /// Its pipeline is being set up; nobody serves it yet.
        var isBeginning = true
    }

    private let limits: ConnectionLimits
    private var entries: [ObjectIdentifier: Entry] = [:]
    /// How many have been admitted that nobody serves yet.
    private var beginning = 0
    private var countByAddress: [AddressKey: Int] = [:]
    /// No more connections are taken.
    private(set) var isClosing = false

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    var isEmpty: Bool { self.entries.isEmpty }

    /// Whether a connection has been admitted that nobody serves yet.
    var isBeginning: Bool { self.beginning > 0 }

    var channels: [any Channel] { self.entries.values.map(\.channel) }

    /// Enters a new connection, or returns false if there are too many already.
    mutating func admit(_ channel: any Channel) -> Bool {
        let address = AddressKey(channel.remoteAddress)
        guard !self.isClosing, self.entries.count < self.limits.total else { return false }
        if let address {
            guard self.countByAddress[address, default: 0] < self.limits.perAddress else { return false }
            self.countByAddress[address, default: 0] += 1
        }
        self.beginning += 1
        self.entries[ObjectIdentifier(channel)] = Entry(channel: channel, address: address)
        return true
    }

    /// A connection has its session.
    mutating func begun(_ channel: any Channel) {
        guard self.entries[ObjectIdentifier(channel)]?.isBeginning == true else { return }
        self.entries[ObjectIdentifier(channel)]?.isBeginning = false
        self.beginning -= 1
    }

    /// A connection is closed.
    mutating func remove(_ channel: any Channel) {
        guard let entry = self.entries.removeValue(forKey: ObjectIdentifier(channel)) else { return }
        if entry.isBeginning { self.beginning -= 1 }
        guard let address = entry.address else { return }
        let left = self.countByAddress[address, default: 1] - 1
        self.countByAddress[address] = left > 0 ? left : nil
    }

    /// From now on nobody is admitted.
    mutating func close() { self.isClosing = true }
}
