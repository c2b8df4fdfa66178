// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import MailRelay

/// Counters are found by their labels once, not for each recipient.
@Suite struct MetricsTests {
    @Test func counters() {
        let results: [DeliveryOutcome.Result] = [
            .delivered, .failed, .deferred(until: UnixTime(rawValue: 0), isDelayReported: false),
        ]
        let counters = results.map { ObjectIdentifier(Metrics.recipients($0)) }
        #expect(Set(counters).count == 3)
        #expect(results.map { ObjectIdentifier(Metrics.recipients($0)) } == counters)
    }
}
