// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct SigningKeysTests {
    private func key(
        _ domain: String,
        _ selector: String,
        _ algorithm: StoredSigningKey.Algorithm = .rsa,
        isSigning: Bool = false
    ) -> StoredSigningKey {
        StoredSigningKey(
            domain: domain,
            selector: selector,
            algorithm: algorithm,
            pem: Array("secret \(selector)".utf8),
            addedAt: UnixTime(rawValue: 1_600_000_000),
            isSigning: isSigning
        )
    }

    @Test func addedStartedAndRemoved() async throws {
        let test = try TestStore()
        for domain in ["example.org", "example.com"] { try await test.store.addDomain(domain) }
        #expect(try await test.store.signingKeys(of: nil).isEmpty)
        try await test.store.addSigningKeys([
            self.key("example.org", "b"), self.key("example.org", "a"), self.key("example.org", "e", .ed25519),
            self.key("example.com", "a"),
        ])
        #expect(
            try await test.store.signingKeys(of: "Example.org")
                == [self.key("example.org", "a"), self.key("example.org", "b"), self.key("example.org", "e", .ed25519)]
        )
        #expect(try await test.store.signingKeys(of: nil).first == self.key("example.com", "a"))
        for selector in ["a", "e", "b"] { try await test.store.startSigning(domain: "example.org", selector: selector) }
        let signing = try await test.store.signingKeys(of: nil).filter(\.isSigning).map(\.description)
        #expect(signing == ["b._domainkey.example.org (rsa)", "e._domainkey.example.org (ed25519)"])
        try await test.store.removeSigningKey(domain: "example.org", selector: "b")
        #expect(try await test.store.signingKeys(of: "example.org").map(\.selector) == ["a", "e"])
        try await test.verify()
        // What a domain signed with goes with it.
        try await test.store.removeDomain("example.org")
        #expect(try await test.store.signingKeys(of: nil).map(\.domain) == ["example.com"])
        try await test.verify()
    }

    @Test func refusals() async throws {
        let test = try TestStore()
        try await test.store.addDomain("example.org")
        try await test.store.addSigningKeys([self.key("example.org", "a")])
        await #expect(throws: StoreError.notFound("example.net")) {
            try await test.store.addSigningKeys([self.key("example.org", "new"), self.key("example.net", "a")])
        }
        await #expect(throws: StoreError.exists("a._domainkey.example.org")) {
            try await test.store.addSigningKeys([
                self.key("example.org", "new"), self.key("example.org", "a", .ed25519),
            ])
        }
        #expect(try await test.store.signingKeys(of: nil).map(\.selector) == ["a"])
        await #expect(throws: StoreError.notFound("key b._domainkey.example.org")) {
            try await test.store.startSigning(domain: "example.org", selector: "b")
        }
        await #expect(throws: StoreError.notFound("key b._domainkey.example.org")) {
            try await test.store.removeSigningKey(domain: "example.org", selector: "b")
        }
    }

    /// A key is a secret wherever it is printed.
    @Test func isNotPrinted() {
        #expect(!"\(self.key("example.org", "a"))".contains("secret"))
        #expect(!String(reflecting: self.key("example.org", "a")).contains("115, 101"))
    }
}
