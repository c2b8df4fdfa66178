// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Testing

@testable import SenderAuthentication

/// The data files of dkimpy's own tests, each of which must be of some use here.
@Suite("DKIM: dkimpy's data") struct DkimpyTests {
    /// What a file is, and what is expected of it.
    enum File {
        /// A message with signatures.
        case signed([DKIMResult])
        /// A message without any, which can be signed.
        case unsigned
        /// A message that nobody can sign.
        case withoutFrom
        /// An RSA key, and the file of its record; or Ed25519 in Base64, and a record.
        case rsa(String)
        case ed25519(String)
        /// A record of `test.private` that makes a signature good, or not good for that reason, or not good for mail.
        case record
        case wrongRecord(String)
        case otherRecord
        /// The record that another file is about.
        case recordFor(String)
    }

    static let files: [String: File] = [
        "1024_testkey.key": .rsa("1024_testkey_wo_markers.pub.txt"),
        "1024_testkey_wo_markers.pub.rsa.txt": .recordFor("1024_testkey.key"),
        "1024_testkey_wo_markers.pub.txt": .recordFor("1024_testkey.key"),
        "2048_testkey.key": .rsa("2048_testkey_wo_markers.pub.txt"),
        "2048_testkey_PKCS8.key": .rsa("2048_testkey_PKCS8.key.pub.txt"),
        "2048_testkey_PKCS8.key.pub.txt": .recordFor("2048_testkey_PKCS8.key"),
        "2048_testkey_wo_markers.pub.rsa.txt": .recordFor("2048_testkey.key"),
        "2048_testkey_wo_markers.pub.txt": .recordFor("2048_testkey.key"),
        "badk.txt": .wrongRecord("inappropriate key algorithm"),
        "badversion.txt": .wrongRecord("key syntax error"),
        "ed25519test.dns": .recordFor("ed25519test.key"),
        "ed25519test.key": .ed25519("k=ed25519; p=yi50DjK5O9pqbFpNHklsv9lqaS0ArSYu02qp1S0DW1Y="),
        "ed25519test.msg": .unsigned,
        // Signed by Exim.
        "ed25519test2.msg": .signed([.pass]),
        "eximtest.dns": .recordFor("ed25519test2.msg"),
        // Whose key nobody has any more; others are about it with keys of their own.
        "message.mbox": .signed([.permerror]),
        "rfc6376.msg": .unsigned,
        "rfc6376.signed.msg": .signed([.pass, .pass]),
        "rfc6376.signed.rsa.msg": .signed([.pass]),
        "rfc6376.w1258.msg": .unsigned,
        // Of RFC 8032 §7.1; the record is RFC 8463's.
        "rfc8032_7_1.key": .ed25519("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        "test.message": .unsigned,
        "test.message.baddomain": .signed([.neutral]),
        "test.private": .rsa("test.txt"),
        "test.txt": .record,
        // Signed by Gmail, and folded where it is ugly and legal.
        "test2.message": .signed([.pass]),
        "test2.private": .rsa("test2.txt"),
        "test2.txt": .record,
        "test_bad.txt": .wrongRecord("inappropriate key algorithm"),
        "test_extra.message": .unsigned,
        "test_nofrom.message": .withoutFrom,
        "test_tlsrpt.txt": .otherRecord,
    ]

    private static func names() throws -> FixedNames {
        var names = FixedNames([
            "brisbane._domainkey.football.example.com":
                "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "20120113._domainkey.gmail.com": """
            k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1Kd87/UeJjenpabgbFwh+eBCsSTrqmwIYYvywlbhbqoo2DymndFk\
            bjOVIPIldNs/m40KF+yzMn1skyoxcTUGCQs8g3FgD2Ap3ZB5DekAo5wMmk4wimDO+U8QzI3SD07y2+07wlNWwIt8svnxgdxGkVbbhzY8i\
            +RQ9DpSVpPbF7ykQxtKXkv/ahW3KjViiAH+ghvvIhkx4xYSIc9oSwVmAl5OctMEeWUwg8Istjqz8BZeTWbf41fbNhte7Y+YqZOwq1Sd0D\
            bvYAD9NOZK9vlfuac0598HY+vtSBczUiKERHv1yRbcaQtZFh5wtiRrN04BLUTD21MycBX5jYchHjPY/wIDAQAB
            """,
        ])
        names.zone["test._domainkey.football.example.com"] = [.txt(try Self.record("test.txt"))]
        names.zone["sed._domainkey.test.ex"] = [.txt(try Self.record("eximtest.dns"))]
        return names
    }

    @Test("No file is left out") func complete() throws {
        let folder = Bundle.module.bundleURL.appending(path: "Data/dkimpy").path
        let found = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
        #expect(found == Set(Self.files.keys).union(["ORIGIN"]))
    }

    @Test("Each is what it should be", arguments: Self.files.keys.sorted()) func file(_ name: String) async throws {
        switch try #require(Self.files[name]) {
        case .signed(let results):
            let message = try TestMessage(file: name)
            #expect(await message.results(by: try Self.names()) == results)
        case .unsigned:
            let message = try TestMessage(file: name)
            #expect(await message.results(by: try Self.names()) == [.none])
            let outcome = try await Self.outcome(
                of: name,
                key: Self.rsa("test.private"),
                record: Self.record("test.txt")
            )
            #expect(outcome.result == .pass, "\(outcome)")
        case .withoutFrom:
            await #expect(throws: DKIMSigner.NoFromField.self) {
                try await Self.outcome(of: name, key: Self.rsa("test.private"), record: [])
            }
        case .rsa(let record):
            let outcome = try await Self.outcome(key: Self.rsa(name), record: Self.record(record))
            #expect(outcome.result == .pass, "\(outcome)")
        case .ed25519(let record):
            let outcome = try await Self.outcome(key: Self.ed25519(name), record: Array(record.utf8))
            #expect(outcome.result == .pass, "\(outcome)")
        case .record:
            let outcome = try await Self.outcome(key: Self.rsa("test.private"), record: Self.record(name))
            #expect(outcome.result == .pass, "\(outcome)")
        case .wrongRecord(let reason):
            let outcome = try await Self.outcome(key: Self.rsa("test.private"), record: Self.record(name))
            #expect(outcome.result == .permerror)
            #expect(outcome.reason == reason)
        case .otherRecord:
            let outcome = try await Self.outcome(key: Self.rsa("test.private"), record: Self.record(name))
            #expect(outcome.result != .pass)
        case .recordFor("ed25519test.key"):
            let key = try Self.ed25519("ed25519test.key")
            #expect(try await Self.outcome(key: key, record: Self.record(name)).result == .pass)
        case .recordFor(let key) where key.hasSuffix(".key"):
            #expect(try await Self.outcome(key: Self.rsa(key), record: Self.record(name)).result == .pass)
        case .recordFor(let message):
            guard case .signed = Self.files[message] else { throw Missing() }
        }
    }

    private struct Missing: Error {}

    // MARK: Keys

    private static func record(_ file: String) throws -> [UInt8] { try TestMessage.data(file).filter { $0 != 10 } }

    private static func rsa(_ file: String) throws -> SigningKey { try SigningKey(pem: try TestMessage.data(file)) }

    /// The key of a file that holds its seed in Base64, as PKCS #8 (RFC 8410 §7).
    private static func ed25519(_ file: String) throws -> SigningKey {
        let prefix: [UInt8] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
        let seed = try #require(
            Data(base64Encoded: Data(try TestMessage.data(file)), options: .ignoreUnknownCharacters)
        )
        let text = (prefix + seed).withUnsafeBytes { Data($0).base64EncodedString() }
        return try SigningKey(pem: Array("-----BEGIN PRIVATE KEY-----\n\(text)\n-----END PRIVATE KEY-----\n".utf8))
    }

    /// Signs a message and verifies it.
    private static func outcome(
        of file: String = "message.mbox",
        key: SigningKey,
        record: [UInt8]
    ) async throws -> DKIMOutcome {
        var names = FixedNames()
        names.zone["test._domainkey.example.com"] = [.txt(record)]
        let message = try TestMessage(file: file)
        let key = DKIMSigner.Key(selector: try TestKeys.required(DomainName("test")), key: key)
        var signer = DKIMSigner(
            header: message.header[...],
            DKIMSigner.Settings(domain: try TestKeys.required(TestKeys.domain))
        )
        signer.update(message.body[...])
        let fields = try signer.finish(keys: [key], unixTime: 1_500_000_000)
        return try TestKeys.required(await message.adding(fields).verified(by: names).first)
    }
}
