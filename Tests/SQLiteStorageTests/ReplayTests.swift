// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite("Requests that are not done twice") struct ReplayTests {
    private static let account = AccountID(rawValue: 1)

    @Test("What was answered is known for a day, also after a restart") func lifetime() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("mail.db")
        let store = try SQLiteStore(path: path)
        #expect(try await store.replay(of: [1], at: UnixTime(1000)) == nil)
        try await store.begin(Replay(fingerprint: [7]), of: [1], for: Self.account, at: UnixTime(1000))
        #expect(try await store.replay(of: [1], at: UnixTime(1000)) == Replay(fingerprint: [7]))
        try await store.end([1], answer: [2, 3])
        try await store.close()
        let again = try SQLiteStore(path: path)
        #expect(try await again.replay(of: [1], at: UnixTime(87_399)) == Replay(fingerprint: [7], answer: [2, 3]))
        #expect(try await again.replay(of: [1], at: UnixTime(87_400)) == nil)
        #expect(try await again.replay(of: [2], at: UnixTime(1000)) == nil)
        try await again.end([1], answer: nil)
        #expect(try await again.replay(of: [1], at: UnixTime(1000)) == nil)
        try await again.close()
    }

    @Test("Of an account the latest thousand are known") func limit() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.file("mail.db"))
        try await store.write { transaction in
            for number in 0...UInt16(Replay.accountLimit) {
                let (key, time) = ([UInt8(number >> 8), UInt8(number & 0xFF)], UnixTime(Int64(number)))
                try transaction.begin(Replay(fingerprint: [7]), of: key, for: Self.account, at: time)
            }
        }
        #expect(try await store.replay(of: [0, 0], at: UnixTime(1000)) == nil)
        #expect(try await store.replay(of: [0, 1], at: UnixTime(1000)) != nil)
        try await store.begin(Replay(fingerprint: [7]), of: [9], for: AccountID(rawValue: 2), at: UnixTime(1000))
        #expect(try await store.replay(of: [0, 1], at: UnixTime(1000)) != nil)
        try await store.close()
    }
}
