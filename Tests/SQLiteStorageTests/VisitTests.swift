// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

@Suite("From where people log in") struct VisitTests {
    @Test func writtenReplacedAndForgotten() async throws {
        let test = try TestStore()
        #expect(try await test.store.visits().isEmpty)
        let (first, second) = ([UInt8](arrayLiteral: 192, 0, 2, 1), [UInt8](repeating: 0xFE, count: 8))
        let visits = [Visit(network: first, latest: 100), Visit(network: second, latest: 200)]
        try await test.store.remember(visits, forgettingBefore: 0)
        #expect(Set(try await test.store.visits()) == Set(visits))
        try await test.store.remember([Visit(network: first, latest: 300)], forgettingBefore: 200)
        #expect(try await test.store.visits().sorted { $0.latest < $1.latest }.map(\.latest) == [200, 300])
        try await test.store.remember([], forgettingBefore: 201)
        #expect(try await test.store.visits() == [Visit(network: first, latest: 300)])
    }
}
