// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import letterhouse

/// Limits as operators type them.
@Suite("account quota") struct QuotaLimitTests {
    @Test(
        arguments: [
            ("none", nil), ("0", 0), ("1500", 1500), ("2K", 2048), ("3m", 3 << 20), ("2G", 2 << 30), ("1T", 1 << 40),
        ] as [(String, Int64?)]
    )
    func isRead(text: String, value: Int64?) throws {
        #expect(try #require(QuotaLimit(argument: text)).value == value)
    }

    @Test(arguments: ["", "G", "-1", "1.5G", "2 G", "2GB", "9223372036854775807K", "99999999999999999999", "٣", "None"])
    func isRefused(text: String) { #expect(QuotaLimit(argument: text) == nil) }
}
