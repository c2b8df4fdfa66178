// SPDX-License-Identifier: Apache-2.0

/// What a peer has sent that its session would not take yet, first in, first out.
///
/// Holds octets and their end; a connection that may stop reading its peer keeps it small.
package struct HeldInput<Note: Sendable>: Sendable {
    private var inbounds: [Inbound<Note>?] = []
    private var taken = 0

    package init() {}

    package var count: Int { self.inbounds.count - self.taken }

    package mutating func append(_ inbound: Inbound<Note>) { self.inbounds.append(inbound) }

    /// The oldest; nil if there is none.
    package mutating func next() -> Inbound<Note>? {
        guard self.taken < self.inbounds.count else { return nil }
        let inbound = self.inbounds[self.taken].take()
        self.taken += 1
        // So no entry is moved more than once, however many there are.
        if self.taken > self.inbounds.count / 2 {
            self.inbounds.removeFirst(self.taken)
            self.taken = 0
        }
        return inbound
    }

    package mutating func removeAll() { self = HeldInput() }
}
