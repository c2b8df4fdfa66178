// SPDX-License-Identifier: Apache-2.0

/// By how much what an account uses has changed; negative: it uses less.
struct QuotaGrowth: Hashable, Sendable {
    var messages: Int64 = 0
    var octets: Int64 = 0

    static func + (left: QuotaGrowth, right: QuotaGrowth) -> QuotaGrowth {
        QuotaGrowth(messages: left.messages + right.messages, octets: left.octets + right.octets)
    }

    static func - (left: QuotaGrowth, right: QuotaGrowth) -> QuotaGrowth {
        QuotaGrowth(messages: left.messages - right.messages, octets: left.octets - right.octets)
    }
}
