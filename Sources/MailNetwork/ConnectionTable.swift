// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

/// How many connections a listener serves at the same time.
package struct ConnectionLimits: Sendable {
    /// In all.
    package var total: Int
    /// From one IPv4 address or one /64 of IPv6.
    package var perAddress: Int
    /// Whether, when there are too many, the one that has been idle longest of those who have not logged in gives way.
    package var makesRoom: Bool
    /// Whether an address is a proxy's, whose connections are many others'.
    package var isProxy: @Sendable (_ address: String) -> Bool

    package init(
        total: Int = 10_000,
        perAddress: Int = 100,
        makesRoom: Bool = false,
        isProxy: @escaping @Sendable (_ address: String) -> Bool = { _ in false }
    ) {
        self.total = total
        self.perAddress = perAddress
        self.makesRoom = makesRoom
        self.isProxy = isProxy
    }
}

/// Who is connected to a listener; a value that lives on the listener's own event loop.
///
/// Whoever has been accepted stands here until the socket is closed, those too that are told only that there are too
/// many: nobody is to be forgotten when the process stops.
struct ConnectionTable {
    private struct Entry {
        let channel: any Channel
        /// Whose place it takes; nil where nobody counts, or where there is none.
        var address: AddressKey?
        /// Nil if it has none.
        var place: Place?
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
    ///
    /// Returns one that has to be ended in its stead.
    mutating func arrived(_ channel: any Channel, at now: NIODeadline) -> (any Channel)? {
        let isProxy = channel.remoteAddress.flatMap { Peer(socketAddress: $0) }.map { self.limits.isProxy($0.address) }
        let address = isProxy == true ? nil : AddressKey(channel.remoteAddress)
        let evicted = self.hasRoom(for: address) ? nil : self.makeRoom(for: address)
        let isAdmitted = self.hasRoom(for: address)
        if isAdmitted {
            self.admitted += 1
            if let address { self.countByAddress[address, default: 0] += 1 }
        }
        self.beginning += 1
        self.entries[ObjectIdentifier(channel)] = Entry(
            channel: channel,
            address: isAdmitted ? address : nil,
            place: isAdmitted ? Place(since: now) : nil
        )
        return evicted
    }

    /// A proxy has said whose connection it is; whether there is room for that client, and one that has to be ended in its
    /// stead.
    mutating func told(_ channel: any Channel, _ address: AddressKey) -> (isAdmitted: Bool, evicted: (any Channel)?) {
        let id = ObjectIdentifier(channel)
        // One that has given way already is on its way out.
        guard let entry = self.entries[id], entry.place != nil, entry.address == nil else { return (true, nil) }
        let evicted = self.isFull(address) ? self.makeRoom(for: address) : nil
        guard !self.isFull(address) else { return (false, nil) }
        self.countByAddress[address, default: 0] += 1
        self.entries[id]?.address = address
        return (true, evicted)
    }

    private func hasRoom(for address: AddressKey?) -> Bool {
        self.admitted < self.limits.total && !self.isFull(address)
    }

    private func isFull(_ address: AddressKey?) -> Bool {
        address.map { self.countByAddress[$0, default: 0] >= self.limits.perAddress } ?? false
    }

    /// Takes the place of one that has not logged in; of the same address if that has too many.
    private mutating func makeRoom(for address: AddressKey?) -> (any Channel)? {
        guard self.limits.makesRoom, !self.isClosing else { return nil }
        let isOfAddress = self.isFull(address)
        var found: (id: ObjectIdentifier, since: NIODeadline)?
        for (id, entry) in self.entries where !entry.isBeginning && (!isOfAddress || entry.address == address) {
            guard let place = entry.place, !place.isKept else { continue }
            let since = place.lastActivity
            if found.map({ since < $0.since }) != false { found = (id, since) }
        }
        guard let found, let entry = self.entries[found.id] else { return nil }
        self.release(entry)
        self.entries[found.id]?.place = nil
        self.entries[found.id]?.address = nil
        return entry.channel
    }

    /// The place that was found for it; nil if there was none, or if it is gone already.
    func place(of channel: any Channel) -> Place? { self.entries[ObjectIdentifier(channel)]?.place }

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
        self.release(entry)
    }

    /// Its place is free.
    private mutating func release(_ entry: Entry) {
        if entry.place != nil { self.admitted -= 1 }
        guard let address = entry.address else { return }
        let left = self.countByAddress[address, default: 1] - 1
        self.countByAddress[address] = left > 0 ? left : nil
    }

    /// The listener begins to close.
    mutating func close() { self.isClosing = true }
}
