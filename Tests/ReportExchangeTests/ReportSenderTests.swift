// SPDX-License-Identifier: Apache-2.0

import DomainReports
import MailMessage
import MailStorage
import SMTPSyntax
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import ReportExchange

@Suite("Reports to other domains") struct ReportSenderTests {
    private static let mailRecord = ["_dmarc.example.net": ["v=DMARC1; p=none; rua=mailto:rua@example.net"]]
    private static let tlsRecord = ["_smtp._tls.example.net": ["v=TLSRPTv1; rua=mailto:tls@example.net"]]

    @Test("Not before the day is over, and then once") func daily() async throws {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.mailTally(): 3, Fixture.mailTally(source: "192.0.2.2"): 4])
        let sender = fixture.sender(Self.mailRecord)
        #expect(try await sender.send() == 0)
        let delay = sender.delay("example.net")
        #expect((600..<4 * 3600).contains(delay))
        fixture.clock.advance(by: .seconds(86_400 + delay - 1))
        #expect(try await sender.send() == 0)
        fixture.clock.advance(by: .seconds(1))
        #expect(try await sender.send() == 1)
        // Nor after a restart.
        #expect(try await fixture.sender(Self.mailRecord).send() == 0)
        #expect(try await fixture.due().isEmpty)
        let queue = try await fixture.queue()
        #expect(queue.count == 1)
        let (entry, message) = try #require(queue.first)
        #expect(entry.reversePath == "postmaster@example.org")
        #expect(
            entry.recipients.map(\.recipient) == [RemoteRecipient(localPart: "rua", domain: "example.net", notify: [])]
        )
        let text = String(decoding: message, as: UTF8.self)
        #expect(text.hasPrefix("DKIM-Signature: d=example.org\r\nFrom: postmaster@example.org\r\n"))
        #expect(text.contains("Report Domain: example.net Submitter: example.org"))
        guard case .aggregate(let read) = try report(in: message) else {
            Issue.record("another report")
            return
        }
        #expect(read.begin == 1_767_225_600 && read.end == 1_767_311_999)
        #expect(read.records.map(\.source) == ["192.0.2.2", "192.0.2.1"] && read.records.map(\.count) == [4, 3])
        #expect(read.organisation == "mail.example.org" && read.email == "postmaster@example.org")
        try await fixture.close()
    }

    @Test("It runs by itself", .timeLimit(.minutes(20))) func service() async throws {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.mailTally(): 1])
        let sender = fixture.sender(Self.mailRecord)
        try await withThrowingTaskGroup { group in
            group.addTask { try await sender.run() }
            _ = try await fixture.clock.nextDeadline()
            fixture.clock.advance(by: .seconds(2 * 86_400))
            while try await fixture.queue().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            group.cancelAll()
        }
        try await fixture.close()
    }

    @Test("TLS: signed, and by mail and to the web") func tls() async throws {
        let fixture = try await Fixture()
        let failure = TLSReport.Failure(type: "certificate-expired", host: "mx.example.net", count: 0)
        try await fixture.store.add([Fixture.tlsTally(): 5, Fixture.tlsTally(failure: failure): 2])
        let record = ["_smtp._tls.example.net": ["v=TLSRPTv1; rua=mailto:tls@example.net,https://example.net/tls"]]
        #expect(try await fixture.sender(record).send(isAtOnce: true) == 2)
        let message = try #require(try await fixture.queue().first).message
        guard case .tls(let read) = try report(in: message) else {
            Issue.record("another report")
            return
        }
        #expect(read.results.map(\.successes) == [5] && read.results.map(\.failures) == [2])
        let posts = fixture.posts.withLock { $0 }
        #expect(posts.map(\.url) == ["https://example.net/tls"])
        #expect(posts.map(\.mediaType) == ["application/tlsrpt+gzip"])
        #expect(try ReportContent(file: posts[0].file) == .tls(read))
        try await fixture.close()
    }

    @Test("RFC 8460 §5.3: without a signature no mail; reports about mail go all the same") func unsigned() async throws
    {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.tlsTally(): 1, Fixture.mailTally(): 1])
        let sender = fixture.sender(Self.tlsRecord.merging(Self.mailRecord) { $1 }, signs: false)
        #expect(try await sender.send(isAtOnce: true) == 1)
        #expect(try await fixture.queue().map(\.entry.recipients[0].recipient.localPart) == ["rua"])
        #expect(try await fixture.due().isEmpty)
        try await fixture.close()
    }

    @Test("Who does not want it gets nothing; whose names cannot be asked for, later, but not for ever")
    func unwanted() async throws {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.mailTally("example.net"): 1, Fixture.mailTally("example.com"): 1])
        let sender = fixture.sender(["_dmarc.example.com": []])
        #expect(try await sender.send(isAtOnce: true) == 0)
        #expect(try await fixture.due().map(\.domain) == ["example.com"])
        fixture.clock.advance(by: .seconds(3 * 86_400))
        #expect(try await sender.send(isAtOnce: true) == 0)
        #expect(try await fixture.due().map(\.domain) == ["example.com"])
        fixture.clock.advance(by: .seconds(86_400))
        #expect(try await sender.send() == 0)
        #expect(try await fixture.due().isEmpty)
        #expect(try await fixture.queue().isEmpty)
        try await fixture.close()
    }

    @Test("A web server that does not take it now is asked again; one beside mail is not") func refusedPosts()
        async throws
    {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.tlsTally(): 1])
        let web = ["_smtp._tls.example.net": ["v=TLSRPTv1; rua=https://example.net/tls"]]
        #expect(try await fixture.sender(web, takesPosts: false).send(isAtOnce: true) == 0)
        #expect(try await fixture.due().count == 1)
        #expect(try await fixture.sender(web).send(isAtOnce: true) == 1)
        #expect(try await fixture.due().isEmpty)
        try await fixture.store.add([Fixture.tlsTally(): 1])
        let both = ["_smtp._tls.example.net": ["v=TLSRPTv1; rua=https://example.net/tls,mailto:a@example.net"]]
        #expect(try await fixture.sender(both, takesPosts: false).send(isAtOnce: true) == 1)
        #expect(try await fixture.due().isEmpty)
        try await fixture.close()
    }

    @Test("Not larger than is wanted; to somebody here, delivered; to nobody here, not") func destinations()
        async throws
    {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.mailTally("example.org"): 1])
        let record = "v=DMARC1; p=none; rua=mailto:ann@example.org!10m,mailto:x@example.org,mailto:a@b.example.org!1k"
        #expect(try await fixture.sender(["_dmarc.example.org": [record]]).send(isAtOnce: true) == 1)
        #expect(try await fixture.queue().isEmpty)
        let account = try #require(try await fixture.store.accounts().first)
        let mail = fixture.store.mailStore(of: account.id)
        let inbox = try #require(try await mail.mailbox(named: "INBOX", needing: .read))
        #expect(try await mail.status(of: inbox.id).messages == 1)
        try await fixture.close()
    }

    @Test("A domain with many names gets reports about twenty of them") func wildcards() async throws {
        let fixture = try await Fixture()
        var counts: [ReportTally: Int] = [Fixture.mailTally("example.com"): 1]
        var texts = ["_dmarc.example.com": ["v=DMARC1; p=none; rua=mailto:rua@example.com"]]
        for number in 0..<30 {
            let name = "n\(number).example.net"
            counts[Fixture.mailTally(name)] = 1
            texts["_dmarc.\(name)"] = ["v=DMARC1; p=none; rua=mailto:rua@example.net"]
        }
        try await fixture.store.add(counts)
        let sender = fixture.sender(texts)
        // All at the same time.
        #expect(sender.delay("n1.example.net") == sender.delay("n2.example.net"))
        #expect(try await sender.send(isAtOnce: true) == 21)
        #expect(try await fixture.due().isEmpty)
        try await fixture.close()
    }

    @Test("Fifty reports to one receiver go at once, others later") func receivers() async throws {
        let fixture = try await Fixture()
        var counts: [ReportTally: Int] = [:]
        var texts: [String: [String]] = [:]
        for number in 0..<60 {
            let name = "n\(number).example"
            counts[Fixture.tlsTally(name)] = 1
            texts["_smtp._tls.\(name)"] = ["v=TLSRPTv1; rua=mailto:rua@example.net"]
        }
        try await fixture.store.add(counts)
        let sender = fixture.sender(texts)
        #expect(try await sender.send(isAtOnce: true) == 50)
        #expect(try await fixture.due().count == 10)
        #expect(try await sender.send(isAtOnce: true) == 10)
        try await fixture.close()
    }

    @Test("Those that nobody answers for do not stop others; nor does a key that is broken") func failures()
        async throws
    {
        let fixture = try await Fixture()
        var counts: [ReportTally: Int] = [Fixture.mailTally(): 1]
        var texts = Self.mailRecord
        for number in 0..<1100 {
            counts[Fixture.mailTally("a\(number).example")] = 1
            texts["_dmarc.a\(number).example"] = []
        }
        try await fixture.store.add(counts)
        #expect(try await fixture.sender(texts, signs: nil).send(isAtOnce: true) == 0)
        #expect(try await fixture.sender(texts).send(isAtOnce: true) == 1)
        #expect(try await fixture.queue().count == 1)
        try await fixture.close()
    }

    @Test("A name service that does not answer costs ten seconds for some together", .timeLimit(.minutes(20)))
    func patience() async throws {
        let fixture = try await Fixture()
        var counts: [ReportTally: Int] = [Fixture.mailTally(): 1]
        var texts = Self.mailRecord
        for number in 0..<8 {
            counts[Fixture.mailTally("a\(number).example")] = 1
            texts["_dmarc.a\(number).example"] = [""]
        }
        try await fixture.store.add(counts)
        let sender = fixture.sender(texts)
        try await withThrowingTaskGroup { group in
            group.addTask { try await sender.send(isAtOnce: true) }
            let deadline = try await fixture.clock.nextDeadline()
            #expect(deadline == .seconds(10))
            fixture.clock.advance(by: .seconds(10))
            let count = try await group.next()
            #expect(count == 1)
        }
        #expect(try await fixture.due().count == 8)
        try await fixture.close()
    }

    @Test("What is too old is not sent; what is not over ends now") func days() async throws {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.mailTally(): 1])
        fixture.clock.advance(by: .seconds(3600))
        let sender = fixture.sender(Self.mailRecord)
        #expect(try await sender.send(isAtOnce: true) == 1)
        guard case .aggregate(let read) = try report(in: try #require(try await fixture.queue().first).message) else {
            Issue.record("another report")
            return
        }
        #expect(read.end == read.begin + 3600)
        try await fixture.store.add([Fixture.mailTally(): 1])
        fixture.clock.advance(by: .seconds(4 * 86_400))
        #expect(try await sender.send() == 0)
        #expect(try await fixture.due().isEmpty)
        try await fixture.close()
    }

    @Test("A report that has to be posted again has the same identifier") func identifiers() async throws {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.tlsTally(): 1])
        let web = ["_smtp._tls.example.net": ["v=TLSRPTv1; rua=https://example.net/tls"]]
        fixture.clock.advance(by: .seconds(2 * 86_400))
        #expect(try await fixture.sender(web, takesPosts: false).send() == 0)
        fixture.clock.advance(by: .seconds(600))
        #expect(try await fixture.sender(web).send() == 1)
        let contents = try fixture.posts.withLock { $0 }.map { try ReportContent(file: $0.file) }
        #expect(contents.count == 2 && contents[0] == contents[1])
        try await fixture.close()
    }

    @Test("Settings: kinds, and who they are from") func settings() async throws {
        let fixture = try await Fixture()
        try await fixture.store.add([Fixture.tlsTally(): 1, Fixture.mailTally(): 1])
        let sender = fixture.sender(Self.tlsRecord.merging(Self.mailRecord) { $1 }) { options in
            options.kinds = [.aggregate]
            options.from = try? .init(localPart: "reports", domain: "other.example")
            options.organisation = "We"
        }
        #expect(try await sender.send(isAtOnce: true) == 1)
        let queue = try await fixture.queue()
        #expect(queue.map(\.entry.reversePath) == ["reports@other.example"])
        guard case .aggregate(let read) = try report(in: queue[0].message) else {
            Issue.record("another report")
            return
        }
        #expect(read.organisation == "We")
        #expect(try await fixture.due().isEmpty)
        try await fixture.close()
    }
}
