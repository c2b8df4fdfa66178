// SPDX-License-Identifier: Apache-2.0

/// What an account may use at most, as its operator has set it; nil: as much as it likes.
package struct QuotaLimits: Hashable, Sendable {
    package var messages: Int64?
    /// Octets of all messages together.
    package var octets: Int64?

    package init(messages: Int64? = nil, octets: Int64? = nil) {
        self.messages = messages
        self.octets = octets
    }

    package static let none = QuotaLimits()
}

/// What an account uses of what it may use (RFC 9208): counted in the transactions that change it.
///
/// Octets count once for every mailbox that a message is in, wherever the file has them.
package struct Quota: Hashable, Sendable {
    package var messages: Int64
    package var octets: Int64
    package var limits: QuotaLimits

    package init(messages: Int64, octets: Int64, limits: QuotaLimits) {
        self.messages = messages
        self.octets = octets
        self.limits = limits
    }

    /// Whether so much more would be too much.
    ///
    /// What grows not at all is never too much, even where a limit was set below what is there.
    package func forbids(messages: Int64, octets: Int64) -> Bool {
        func exceeds(_ used: Int64, _ more: Int64, _ limit: Int64?) -> Bool {
            guard let limit, more > 0 else { return false }
            let (sum, overflow) = used.addingReportingOverflow(more)
            return overflow || sum > limit
        }
        return exceeds(self.messages, messages, self.limits.messages)
            || exceeds(self.octets, octets, self.limits.octets)
    }
}
