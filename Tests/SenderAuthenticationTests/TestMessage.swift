// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation

@testable import SenderAuthentication

func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A message as it goes over the wire.
struct TestMessage {
    var header: [UInt8]
    var body: [UInt8]

    /// From text whose lines end with LF or CRLF.
    init(_ text: some Collection<UInt8>) {
        var octets: [UInt8] = []
        for octet in text where octet != 0x0D {
            octets += octet == 0x0A ? [0x0D, 0x0A] : [octet]
        }
        let end = octets.indices.first { octets[$0...].starts(with: [0x0D, 0x0A, 0x0D, 0x0A]) } ?? octets.count - 2
        self.header = Array(octets[..<(end + 2)])
        self.body = Array(octets[(end + 2)...].dropFirst(2))
    }

    init(_ text: String) { self.init(Array(text.utf8)) }

    /// One of the files of Data/dkimpy.
    init(file: String) throws {
        self.init(try Self.data(file))
    }

    static func data(_ file: String) throws -> [UInt8] {
        try Array(Data(contentsOf: Bundle.module.bundleURL.appending(path: "Data/dkimpy/\(file)")))
    }

    func adding(_ fields: [UInt8]) -> TestMessage {
        var message = self
        message.header = fields + self.header
        return message
    }

    func adding(_ fields: String) -> TestMessage { self.adding(Array(fields.utf8)) }

    /// The outcomes of its signatures, the body shown in pieces of `size`.
    func verified(by names: FixedNames, at unixTime: Int64 = 1_600_000_000, size: Int = .max) async -> [DKIMOutcome] {
        var verifier = DKIMVerifier(header: self.header[...])
        var rest = self.body[...]
        while !rest.isEmpty {
            verifier.update(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return await verifier.finish(names: names, unixTime: unixTime)
    }

    func results(by names: FixedNames, at unixTime: Int64 = 1_600_000_000) async -> [DKIMResult] {
        await self.verified(by: names, at: unixTime).map(\.result)
    }
}

/// Keys for tests, made once.
enum TestKeys {
    static let domain = DomainName("example.com")
    static let rsa = Result { try SigningKey.generateRSA(bits: 1_024) }
    static let ed25519 = Result { try SigningKey.generateEd25519() }

    static func keys() throws -> [DKIMSigner.Key] {
        let selectors = try ["rsa", "ed"].map { try required(DomainName($0)) }
        return [
            DKIMSigner.Key(selector: selectors[0], key: try self.rsa.get()),
            DKIMSigner.Key(selector: selectors[1], key: try self.ed25519.get()),
        ]
    }

    /// The records of both keys.
    static func names(domain: String = "example.com", flags: String = "") throws -> FixedNames {
        let rsa = String(decoding: Base64.encode(try self.rsa.get().publicKey.subjectPublicKeyInfo), as: UTF8.self)
        let raw = try required(self.ed25519.get().publicKey.ed25519)
        let ed25519 = String(decoding: Base64.encode(raw), as: UTF8.self)
        return FixedNames([
            "rsa._domainkey.\(domain)": "v=DKIM1; k=rsa; \(flags)p=\(rsa)",
            "ed._domainkey.\(domain)": "v=DKIM1; k=ed25519; \(flags)p=\(ed25519)",
        ])
    }

    struct Missing: Error {}

    static func required<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }
}
