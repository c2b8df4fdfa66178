// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SASLMechanisms

@Suite("Stored verifiers and passwords")
struct PasswordVerifierTests {
    /// RFC 7677 §3's user, as stored; keys as other implementations compute them.
    private static let stored =
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        + ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

    @Test("The text form is PostgreSQL's, both ways")
    func text() throws {
        let verifier = try #require(PasswordVerifier(parsing: Self.stored))
        #expect(verifier.text == Self.stored)
        #expect(Directory.verifier("pencil").text == Self.stored)
        #expect(verifier.verify(try #require(Password("pencil"))))
        #expect(!verifier.verify(try #require(Password("pencil "))))
        #expect(!verifier.verify(try #require(Password("Pencil"))))
    }

    @Test(
        "Everything else is refused",
        arguments: [
            "", "pencil", "SCRAM-SHA-1$4096:W22Z$WG5d:wfPL", stored + "$", stored + ":", stored + " ", " " + stored,
            stored.replacing("4096", with: "4095"), stored.replacing("4096", with: "10000001"),
            stored.replacing("4096", with: "99999999999999999999"), stored.replacing("4096", with: "-4096"),
            stored.replacing("4096", with: "04096"), stored.replacing("W22ZaJ0SNY7soEsUEjb6gQ==", with: ""),
            stored.replacing("WG5d", with: ""), stored.replacing("wfPL", with: "wf!L"),
            stored.replacing("$", with: ":"),
        ]
    )
    func malformed(_ text: String) {
        #expect(PasswordVerifier(parsing: text) == nil)
    }

    @Test("Two verifiers of one password have nothing in common")
    func salted() throws {
        let password = try #require(Password("pencil"))
        let first = try PasswordVerifier(password: password)
        let second = try PasswordVerifier(password: password)
        #expect(first.salt.count == 16 && first.salt != second.salt && first.storedKey != second.storedKey)
        #expect(first.iterations == PasswordVerifier.defaultIterations)
        #expect(first.verify(password) && second.verify(password))
    }

    @Test("No password and no verifier shows in any text")
    func masked() throws {
        let password = try #require(Password("pencil"))
        let verifier = Directory.verifier("pencil")
        let client = try ScramSHA256Client(user: "user", password: password)
        let values: [Any] = [
            password, verifier, SASLStep.check(user: "user", password: password), client,
            PlainClient(user: "user", password: password), LoginClient(user: "user", password: password),
            StoredCredential(identity: 1, verifier: verifier), Optional(password) as Any,
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.contains("pencil") && !text.contains("112") && !text.contains("WG5d"))
            }
        }
    }

    @Test(
        "RFC 8265 §4.2: preparation",
        arguments: [
            ("pencil", "pencil"), ("a b", "a b"), ("a\u{A0}b", "a b"), ("a\u{3000}b", "a b"), ("pä", "pä"),
            ("\u{1F600}", "\u{1F600}"), ("", nil), ("a\tb", nil), ("a\u{7F}", nil), ("a\u{85}", nil), ("\u{FFFF}", nil),
            ("\u{2028}", nil), ("\0", nil),
        ] as [(String, String?)]
    )
    func preparation(_ text: String, _ prepared: String?) {
        #expect(PreparedString.prepare(text).map { Array($0.utf8) } == prepared.map { Array($0.utf8) })
    }
}
