// SPDX-License-Identifier: Apache-2.0

// Signs and verifies files, so that Tests/Programs/dkim_agreement.py can compare Letterhouse with others:
//
//     dkim-tool verify NAMES                                   NAMES: lines of a name, a space and its TXT record
//     dkim-tool sign HEADER BODY DOMAIN SELECTOR KEY.pem       HEADER, BODY: simple or relaxed
//     dkim-tool arc NAMES
//     dkim-tool seal NAMES DOMAIN SELECTOR KEY.pem
//
// Standard input names the files. `verify` and `arc` write a line of results for each, `sign` writes FILE.signed, `seal`
// FILE.sealed.

import Cryptography
import Foundation
import SMTPSyntax
import SenderAuthentication

struct ListedNames: NameService {
    let records: [String: [UInt8]]

    init(path: String) throws {
        var records: [String: [UInt8]] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            records[String(parts[0])] = Array(parts[1].utf8)
        }
        self.records = records
    }

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        self.records[name.text].map { .found([$0]) } ?? .noSuchName
    }

    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> { .noSuchName }
    func mailExchangers(of name: DomainName) async -> NameAnswer<String> { .noSuchName }
    func names(of address: IPAddress) async -> NameAnswer<String> { .noSuchName }
}

struct WrongArguments: Error {}

/// Header with its empty line, and body.
func message(_ path: String) throws -> (header: ArraySlice<UInt8>, body: ArraySlice<UInt8>) {
    let octets = try Array(Data(contentsOf: URL(filePath: path)))
    let end = octets.indices.first { octets[$0...].starts(with: [0x0D, 0x0A, 0x0D, 0x0A]) }
    guard let end else { return (octets[...], []) }
    return (octets[..<(end + 4)], octets[(end + 4)...])
}

/// Shows `take` the body in pieces of changing length.
func pieces(_ body: ArraySlice<UInt8>, _ take: (ArraySlice<UInt8>) -> Void) {
    var rest = body
    var size = 1
    while !rest.isEmpty {
        take(rest.prefix(size))
        rest = rest.dropFirst(size)
        size = size * 2 % 61 + 1
    }
}

/// What is to be said of a message's chain.
func chain(_ path: String, _ names: ListedNames) async throws -> ARCOutcome {
    let (header, body) = try message(path)
    var verifier = ARCVerifier(header: header)
    pieces(body) { verifier.update($0) }
    return await verifier.finish(names: names, unixTime: Int64(Date().timeIntervalSince1970))
}

let arguments = Swift.CommandLine.arguments.dropFirst()
switch arguments.first {
case "verify" where arguments.count == 2:
    let names = try ListedNames(path: arguments[2])
    while let path = readLine() {
        let (header, body) = try message(path)
        var verifier = DKIMVerifier(header: header)
        pieces(body) { verifier.update($0) }
        let outcomes = await verifier.finish(names: names, unixTime: Int64(Date().timeIntervalSince1970))
        print(outcomes.map { "\($0.result) \($0.reason ?? "")" }.joined(separator: "; "))
    }
case "sign" where arguments.count == 6:
    guard let header = Canonicalization(rawValue: arguments[2]), let body = Canonicalization(rawValue: arguments[3]),
        let domain = DomainName(arguments[4]), let selector = DomainName(arguments[5])
    else { throw WrongArguments() }
    let key = try SigningKey(pem: Array(Data(contentsOf: URL(filePath: arguments[6]))))
    var settings = DKIMSigner.Settings(domain: domain)
    settings.headerCanonicalization = header
    settings.bodyCanonicalization = body
    while let path = readLine() {
        let parts = try message(path)
        var signer = DKIMSigner(header: parts.header, settings)
        pieces(parts.body) { signer.update($0) }
        let now = Int64(Date().timeIntervalSince1970)
        let fields = try signer.finish(keys: [DKIMSigner.Key(selector: selector, key: key)], unixTime: now)
        try Data(fields + parts.header + parts.body).write(to: URL(filePath: path + ".signed"))
    }
case "arc" where arguments.count == 2:
    let names = try ListedNames(path: arguments[2])
    while let path = readLine() {
        let outcome = try await chain(path, names)
        print(outcome.result, outcome.reason ?? "")
    }
case "seal" where arguments.count == 5:
    let names = try ListedNames(path: arguments[2])
    guard let domain = DomainName(arguments[3]), let selector = DomainName(arguments[4]) else { throw WrongArguments() }
    let key = DKIMSigner.Key(
        selector: selector,
        key: try SigningKey(pem: Array(Data(contentsOf: URL(filePath: arguments[5]))))
    )
    while let path = readLine() {
        let parts = try message(path)
        let outcome = try await chain(path, names)
        var sealer = ARCSealer(header: parts.header, domain: domain, key: key)
        pieces(parts.body) { sealer.update($0) }
        let fields = try sealer.finish(
            results: AuthenticationResults(
                authservID: "list.example",
                methods: [.init("arc", outcome.result.rawValue)]
            ),
            chain: outcome,
            unixTime: Int64(Date().timeIntervalSince1970)
        )
        try Data(fields + parts.header + parts.body).write(to: URL(filePath: path + ".sealed"))
    }
default:
    throw WrongArguments()
}
