// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

@Suite("What greylisting remembers") struct GreylistTests {
    @Test func writtenReplacedAndForgotten() async throws {
        let test = try TestStore()
        #expect(try await test.store.greylist().isEmpty)
        // Half of all hashes are negative for SQLite.
        let (first, second) = (UInt64.max, UInt64(7))
        try await test.store.updateGreylist(
            [
                GreylistEntry(number: first, since: 1, isKnown: false),
                GreylistEntry(number: second, since: 2, isKnown: true),
            ],
            forgetting: []
        )
        let replaced = GreylistEntry(number: first, since: 3, isKnown: true)
        try await test.store.updateGreylist([replaced], forgetting: [second, 99])
        #expect(try await test.store.greylist() == [replaced])
    }
}
