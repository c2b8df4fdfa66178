// SPDX-License-Identifier: Apache-2.0

/// Somebody has logged in from a network.
package struct Visit: Hashable, Sendable {
    /// The four octets of an IPv4 address, or the first eight of an IPv6 address.
    package var network: [UInt8]
    /// When that was last: seconds since 1970.
    package var latest: Int64

    package init(network: [UInt8], latest: Int64) {
        self.network = network
        self.latest = latest
    }
}

/// Where it outlives the process from where people log in.
///
/// All methods throw ``StoreError``.
package protocol VisitMemory: Sendable {
    /// All that is remembered.
    func visits() async throws -> [Visit]
    /// Writes visits down in place of those from the same networks, and forgets those of before `time`, in seconds since 1970.
    func remember(_ visits: [Visit], forgettingBefore time: Int64) async throws
}
