// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite("Tokens") struct TokenTests {
    private static func digest(_ number: Int) -> [UInt8] {
        Array(repeating: UInt8(number & 255), count: 31) + [UInt8(number >> 8)]
    }

    @Test("A token is found by its digest until it expires or is removed") func found() async throws {
        let store = try TestStore()
        _ = try await store.account()
        let token = try await store.store.addToken(
            Self.digest(1),
            of: "Ann@Example.ORG",
            name: "backup",
            scopes: [.read, .deliver],
            expiresAt: store.clock.now.advanced(by: 60)
        )
        #expect(token.account.address == "ann@example.org")
        #expect(try await store.store.token(Self.digest(1)) == token)
        #expect(token.permits(.read) && !token.permits(.write))
        #expect(try await store.store.token(Self.digest(2)) == nil)
        try await store.store.noteUse(ofToken: token.id)
        #expect(try await store.store.tokens(of: nil).first?.usedAt == store.clock.now)
        store.clock.advance(by: 60)
        #expect(try await store.store.token(Self.digest(1)) == nil)
        try await store.store.removeToken(token.id)
        await #expect(throws: StoreError.notFound("token \(token.id)")) { try await store.store.removeToken(token.id) }
        await #expect(throws: StoreError.notFound("bob@example.org")) {
            try await store.store.addToken(
                Self.digest(3),
                of: "bob@example.org",
                name: "",
                scopes: [.read],
                expiresAt: nil
            )
        }
        try await store.verify()
    }

    @Test("An account has so many; what expires makes room") func limit() async throws {
        let store = try TestStore()
        _ = try await store.account()
        func add(_ number: Int, expiresIn seconds: Int64?) async throws {
            _ = try await store.store.addToken(
                Self.digest(number),
                of: "ann@example.org",
                name: "",
                scopes: [.read],
                expiresAt: seconds.map { store.clock.now.advanced(by: $0) }
            )
        }
        try await add(0, expiresIn: 10)
        try await add(1, expiresIn: 1000)
        try await add(2, expiresIn: 500)
        for number in 3..<AccessTokenLimits.perAccount { try await add(number, expiresIn: nil) }
        store.clock.advance(by: 10)
        try await add(200, expiresIn: nil)
        #expect(try await store.store.token(Self.digest(2)) != nil)
        // The one that expires first goes first.
        try await add(201, expiresIn: nil)
        #expect(try await store.store.token(Self.digest(2)) == nil)
        #expect(try await store.store.token(Self.digest(1)) != nil)
        try await add(202, expiresIn: nil)
        #expect(try await store.store.token(Self.digest(1)) == nil)
        await #expect(throws: StoreError.self) { try await add(203, expiresIn: nil) }
        #expect(try await store.store.tokens(of: "ann@example.org").count == AccessTokenLimits.perAccount)
    }

    @Test("A new password ends the tokens that were given for the old one, and no others") func login() async throws {
        let store = try TestStore()
        _ = try await store.account()
        for (number, isLogin) in [(1, true), (2, false)] {
            _ = try await store.store.addToken(
                Self.digest(number),
                of: "ann@example.org",
                name: "",
                scopes: [.read],
                expiresAt: nil,
                isLogin: isLogin
            )
        }
        try await store.store.setVerifier("w", of: "ann@example.org")
        #expect(try await store.store.token(Self.digest(1)) == nil)
        #expect(try await store.store.token(Self.digest(2)) != nil)
    }

    @Test("They go with their account, and the file has no token") func account() async throws {
        let store = try TestStore()
        let mail = try await store.account()
        _ = try await store.store.addToken(
            Self.digest(1),
            of: "ann@example.org",
            name: "",
            scopes: [.admin],
            expiresAt: nil
        )
        let served = store.store.servedStore(of: mail.account)
        _ = try await served.setValue(StoredValue(octets: [1], digest: Self.digest(1)), of: "k") { _ in true }
        _ = try await served.begin(RequestKey(key: "k", fingerprint: [1]))
        try await store.store.removeAccount("ann@example.org")
        #expect(try await store.store.tokens(of: nil).isEmpty)
        try await store.verify()
    }
}
