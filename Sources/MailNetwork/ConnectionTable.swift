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
///
/// Whoever has been accepted stands here until the socket is closed, those too that are told only that there are too
/// many: nobody is to be forgotten when the process stops.
struct ConnectionTable {
    private struct Entry {
        let channel: any Channel
        /// Whose place it takes; nil where nobody counts, or where there was none.
        let address: AddressKey?
        let isAdmitted: Bool
        /// Its pipeline is being set up; nobody serves it yet.
        var isBeginning = true
    }

    private let limits: ConnectionLimits
    private var entries: [ObjectIdentifier: Entry] = [:]
    private var admitted = 0
    /// How many have arrived that nobody serves yet.
    private var beginning = 0
    private var countByAddress: [AddressKey: Int] = [:]
    /// The listener is closing.
    private(set) var isClosing = false

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    var isEmpty: Bool { self.entries.isEmpty }

    /// Whether a connection has arrived that nobody serves yet.
    var isBeginning: Bool { self.beginning > 0 }

    /// Those that have been handed on.
    var begun: [any Channel] { self.entries.values.filter { !$0.isBeginning }.map(\.channel) }

    var channels: [any Channel] { self.entries.values.map(\.channel) }

    /// Enters a connection that was just accepted, and decides whether there is a place for it.
    mutating func arrived(_ channel: any Channel) {
        let address = AddressKey(channel.remoteAddress)
        let isAdmitted =
            self.admitted < self.limits.total
            && address.map { self.countByAddress[$0, default: 0] < self.limits.perAddress } != false
        if isAdmitted {
            self.admitted += 1
            if let address { self.countByAddress[address, default: 0] += 1 }
        }
        self.beginning += 1
        self.entries[ObjectIdentifier(channel)] = Entry(
            channel: channel,
            address: isAdmitted ? address : nil,
            isAdmitted: isAdmitted
        )
    }

    /// Whether there is a place for it; false too if it is gone already.
    func isAdmitted(_ channel: any Channel) -> Bool { self.entries[ObjectIdentifier(channel)]?.isAdmitted == true }

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
        if entry.isAdmitted { self.admitted -= 1 }
        guard let address = entry.address else { return }
        let left = self.countByAddress[address, default: 1] - 1
        self.countByAddress[address] = left > 0 ? left : nil
    }

    /// The listener begins to close.
    mutating func close() { self.isClosing = true }
}
