// SPDX-License-Identifier: Apache-2.0

/// Something that greylisting remembers: an attempt to bring a message, or a network whose messages need not wait.
package struct GreylistEntry: Hashable, Sendable {
    /// Its name: a hash.
    package var number: UInt64
    /// When it was made, or last came: seconds since 1970.
    package var since: Int64
    /// Whether it is a network that has come again.
    package var isKnown: Bool

    package init(number: UInt64, since: Int64, isKnown: Bool) {
        self.number = number
        self.since = since
        self.isKnown = isKnown
    }
}

/// Where greylisting outlives the process.
///
/// All methods throw ``StoreError``.
package protocol GreylistMemory: Sendable {
    /// Everything that is remembered.
    func greylist() async throws -> [GreylistEntry]
    /// Writes down entries in place of those with the same numbers, and forgets others.
    func updateGreylist(_ entries: [GreylistEntry], forgetting numbers: [UInt64]) async throws
}
