// SPDX-License-Identifier: Apache-2.0

import Foundation
import SMTPSyntax
import Testing
import Yams

@testable import SenderAuthentication

/// The test suite of openspf.org: 203 cases in 16 sections.
@Suite("RFC 7208: the openspf test suite") struct OpenSPFTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let section: String
        let host: String
        let helo: String
        let mailFrom: String
        /// One result, or several of which the first is preferred.
        let results: [String]
        let explanation: String?
        let names: FixedNames

        var testDescription: String { "\(self.section): \(self.name)" }
    }

    static let cases: [Case] = {
        let file = Bundle.module.url(forResource: "Data/openspf/rfc7208-tests", withExtension: "yml")
        guard let file, let text = try? String(contentsOf: file, encoding: .utf8),
            let sections = try? Yams.load_all(yaml: text).map({ $0 as? [String: Any] ?? [:] })
        else { return [] }
        return sections.flatMap { section -> [Case] in
            let names = Self.names(section["zonedata"] as? [String: [Any]] ?? [:])
            let tests = section["tests"] as? [String: [String: Any]] ?? [:]
            return tests.map { name, test in
                Case(
                    name: name,
                    section: section["description"] as? String ?? "",
                    host: test["host"] as? String ?? "",
                    helo: test["helo"] as? String ?? "",
                    mailFrom: test["mailfrom"] as? String ?? "",
                    results: test["result"] as? [String] ?? [test["result"] as? String ?? ""],
                    explanation: test["explanation"] as? String,
                    names: names
                )
            }
            .sorted { $0.name < $1.name }
        }
    }()

    /// A section's zone.
    ///
    /// Records of type SPF stand for TXT records too, unless the name has TXT records.
    private static func names(_ zone: [String: [Any]]) -> FixedNames {
        var names = FixedNames()
        for (name, entries) in zone {
            var records: [FixedNames.Record] = []
            var generated: [FixedNames.Record]? = []
            for entry in entries {
                guard let entry = entry as? [String: Any], let (type, value) = entry.first else {
                    records.append(.silence)
                    continue
                }
                switch type {
                case "TXT", "SPF":
                    let text = (value as? [String])?.joined() ?? value as? String ?? ""
                    let record = FixedNames.Record.txt(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
                    if type == "TXT" {
                        generated = nil
                        if text != "NONE" { records.append(record) }
                    } else {
                        generated?.append(record)
                    }
                case "A", "AAAA":
                    if let address = try? IPAddress(parsing: value as? String ?? "") {
                        records.append(.address(address))
                    }
                case "MX":
                    let pair = value as? [Any] ?? []
                    records.append(.mx(pair.first as? Int ?? 0, pair.last as? String ?? ""))
                case "PTR": records.append(.ptr(value as? String ?? ""))
                case "CNAME": records.append(.alias(value as? String ?? ""))
                default: break
                }
            }
            names.zone[name.lowercased()] = records + (generated ?? [])
        }
        return names
    }

    @Test("The suite is complete") func completeness() {
        #expect(Self.cases.count == 203)
        #expect(Set(Self.cases.map(\.section)).count == 16)
    }

    @Test("The result is one of those that the suite allows", arguments: cases) func result(of test: Case) async throws
    {
        let address = try IPAddress(parsing: test.host)
        var reversePath: (localPart: String, domain: String)?
        if let at = test.mailFrom.lastIndex(of: "@") {
            reversePath = (String(test.mailFrom[..<at]), String(test.mailFrom[test.mailFrom.index(after: at)...]))
        } else if !test.mailFrom.isEmpty {
            reversePath = ("", test.mailFrom)
        }
        let identity = SPFIdentity(address: address, reversePath: reversePath, helo: test.helo)
        var check = SPFCheck(identity, names: test.names, receiver: "receiver.example", unixTime: 1_000_000_000)
        let outcome = await check.run()
        #expect(test.results.contains(outcome.result.rawValue), "\(outcome)")
        if let explanation = test.explanation {
            #expect((outcome.explanation ?? "DEFAULT") == explanation)
        }
    }
}
