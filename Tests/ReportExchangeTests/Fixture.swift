// SPDX-License-Identifier: Apache-2.0

import DomainReports
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SQLiteStorage
import SenderAuthentication
import Synchronization
import TestSupport
import Testing

@testable import ReportExchange

/// TXT records by name; a name with none of which nobody answers, and one with an empty one that never comes to an end.
struct Names: NameService {
    var texts: [String: [String]]

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        if self.texts[name.text] == [""] { while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) } }
        guard let texts = self.texts[name.text] else { return .noSuchName }
        return texts.isEmpty ? .temporaryFailure : .found(texts.map { Array($0.utf8) })
    }
    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> { .noSuchName }
    func mailExchangers(of name: DomainName) async -> NameAnswer<String> { .noSuchName }
    func names(of address: IPAddress) async -> NameAnswer<String> { .noSuchName }
}

/// A store with the domain `example.org` and the account `ann`, on 2026-01-01, and what exchanges reports for it.
final class Fixture: Sendable {
    struct Post: Sendable {
        let url: String
        let mediaType: String
        let file: [UInt8]
    }

    private let folder: TemporaryFolder
    let clock = TestClock()
    let store: SQLiteStore
    let posts = Mutex<[Post]>([])

    init() async throws {
        self.folder = try TemporaryFolder()
        var options = StoreOptions()
        options.now = { [clock = self.clock] in UnixTime(clock.timeSource.unixTime()) }
        self.store = try SQLiteStore(path: self.folder.file("mail.db"), options: options)
        try await self.store.addDomain("example.org")
        _ = try await self.store.addAccount("ann@example.org", verifier: "v")
    }

    struct BrokenKey: Error {}

    /// `signs`: whether there is a key, nil: a broken one; `takesPosts`: whether web servers take what is posted.
    func sender(
        _ texts: [String: [String]],
        signs: Bool? = true,
        takesPosts: Bool = true,
        configure: (inout ReportSender.Options) -> Void = { _ in }
    ) -> ReportSender {
        var options = ReportSender.Options(hostname: "mail.example.org")
        configure(&options)
        let store = self.store
        return ReportSender(
            options: options,
            ledger: store,
            discovery: ReportDiscovery(names: Names(texts: texts), suffixes: PublicSuffixList()),
            means: ReportSender.Means(
                domains: { try await store.domains() },
                route: { try await store.route(localPart: $0, domain: $1) },
                sign: { _, domain in
                    guard let signs else { throw BrokenKey() }
                    return signs ? Array("DKIM-Signature: d=\(domain)\r\n".utf8) : []
                },
                post: { url, mediaType, file in
                    self.posts.withLock { $0.append(Post(url: url, mediaType: mediaType, file: file)) }
                    return takesPosts
                }
            ),
            time: self.clock.timeSource,
            random: { count in (0..<count).map { UInt8(truncatingIfNeeded: $0) } }
        )
    }

    /// What waits in the queue, and its octets as the next hop would get them.
    func queue() async throws -> [(entry: QueueEntry, message: [UInt8])] {
        var result: [(QueueEntry, [UInt8])] = []
        for entry in try await self.store.entries(after: nil, limit: 100) {
            var octets: [UInt8] = []
            while entry.relayFrom + octets.count < entry.size {
                octets += try await (self.store as any MailQueue).octets(
                    of: entry.blob,
                    in: entry.relayFrom + octets.count..<entry.size
                )
            }
            result.append((entry, octets))
        }
        return result
    }

    func due() async throws -> [ReportSubject] { try await self.store.reportsDue(before: .max, after: nil, limit: 100) }

    func close() async throws { try await self.store.close() }

    // MARK: Things to count

    static let today = 20_454

    static func mailTally(_ domain: String = "example.net", source: String = "192.0.2.1") -> ReportTally {
        var record = AggregateReport.Record(
            source: source,
            count: 0,
            disposition: "none",
            passesDKIM: true,
            passesSPF: false,
            author: domain
        )
        record.spf = [.init(domain: domain, scope: "mfrom", result: "fail")]
        let tally = AggregateTally(policy: .init(domain: domain, policy: "none"), record: record)
        return ReportTally(ReportSubject(.aggregate, day: Self.today, domain: domain), text: tally.text)
    }

    static func tlsTally(_ domain: String = "example.net", failure: TLSReport.Failure? = nil) -> ReportTally {
        let tally = TLSTally(policy: .init(type: "no-policy-found", domain: domain), failure: failure)
        return ReportTally(ReportSubject(.tls, day: Self.today, domain: domain), text: tally.text)
    }
}

/// The report in a message.
func report(in message: [UInt8]) throws -> ReportContent {
    let attachment = try #require(ReportAttachment(MessageSummary(parsing: message)))
    var decoder = try #require(TransferDecoder(attachment.encoding))
    var file: [UInt8] = []
    decoder.decode(message[attachment.range], into: &file)
    decoder.finish(into: &file)
    return try ReportContent(file: file)
}
