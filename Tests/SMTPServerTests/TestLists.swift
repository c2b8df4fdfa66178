// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax
import SenderAuthentication
import Synchronization

@testable import SMTPServer

/// A name system with address records and texts, and a count of its questions.
final class TestLists: NameService {
    private let records: Mutex<[String: [String]]>
    private let texts: [String: String]
    private let silent: Set<String>
    private let asked = Mutex<[String]>([])

    /// The addresses of each name, and its text; `silent`: zones that never answer.
    init(_ records: [String: [String]], texts: [String: String] = [:], silent: Set<String> = []) {
        self.records = Mutex(records)
        self.texts = texts
        self.silent = silent
    }

    /// A zone that is in order and lists `addresses`, reversed, with a code.
    static func zone(_ zone: String, _ addresses: [String: String] = [:]) -> [String: [String]] {
        var records = ["2.0.0.127.\(zone)": ["127.0.0.2"]]
        for (reversed, code) in addresses { records["\(reversed).\(zone)"] = [code] }
        return records
    }

    var questions: [String] { self.asked.withLock { $0 } }

    func set(_ name: String, _ addresses: [String]) { self.records.withLock { $0[name] = addresses } }

    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> {
        self.asked.withLock { $0.append(name.text) }
        if self.silent.contains(where: { name.text.hasSuffix(".\($0)") }) {
            // Until nobody waits any more.
            try? await Task.sleep(for: .seconds(3600))
            return .temporaryFailure
        }
        guard let texts = self.records.withLock({ $0[name.text] }) else { return .noSuchName }
        return .found(texts.compactMap { try? IPAddress(parsing: $0) })
    }

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        self.asked.withLock { $0.append("TXT \(name.text)") }
        return self.texts[name.text].map { .found([Array($0.utf8)]) } ?? .noData
    }

    func mailExchangers(of name: DomainName) async -> NameAnswer<String> { .noSuchName }
    func names(of address: IPAddress) async -> NameAnswer<String> { .noSuchName }
}
