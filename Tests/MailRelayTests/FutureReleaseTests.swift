// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import MailRelay

/// RFC 4865: what was held goes out when it is time, to those here as to those elsewhere.
@Suite("RFC 4865") struct FutureReleaseTests {
    private func enqueue(_ fixture: Fixture, _ recipients: [String], after seconds: Int64 = 3600) async throws {
        try await fixture.enqueue(recipients) {
            $0.releasedAt = fixture.now.advanced(by: seconds)
            for index in $0.remote.indices { $0.remote[index].notify = [.success, .failure] }
        }
    }

    @Test("Not before its time, then to everybody, and reports are of that time") func release() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.extensions = [] }
        try await self.enqueue(
            fixture,
            ["bob@example.net", "ann@example.org", "Ann+x@example.org", "gone@example.org"]
        )
        try await fixture.relaying {
            try await fixture.untilIdle()
            fixture.clock.advance(by: .seconds(3599))
            try await fixture.untilIdle()
            #expect(fixture.sinks.record.messages.isEmpty)
            #expect(try await fixture.inbox().isEmpty)
            fixture.clock.advance(by: .seconds(1))
            try await fixture.untilEmpty()
        }
        #expect(fixture.sinks.record.messages.map(\.recipients) == [["RCPT TO:<bob@example.net>"]])
        let inbox = try await fixture.inbox()
        #expect(inbox.filter { $0 == Fixture.message }.count == 1, "once, with its Return-Path")
        let reports = inbox.filter { $0 != Fixture.message }
        #expect(reports.contains { $0.contains("Action: delivered") && $0.contains("ann@example.org") })
        #expect(reports.contains { $0.contains("Action: failed") && $0.contains("gone@example.org") })
        #expect(reports.contains { $0.contains("Action: relayed") && $0.contains("bob@example.net") })
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
    }

    @Test("It is tried for as long as any other, from its time on") func lifetime() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        try await self.enqueue(fixture, ["bob@example.net"], after: 30 * 86_400)
        let entry = try #require(try await fixture.queue().first)
        #expect(entry.expiry(fixture.options) == fixture.now.advanced(by: 35 * 86_400))
        try await fixture.relaying {
            fixture.clock.advance(by: .seconds(30 * 86_400))
            try await fixture.untilIdle()
        }
        let waiting = try #require(try await fixture.queue().first?.recipients.first)
        #expect(waiting.attempts == 1)
        #expect(!waiting.isDelayReported)
    }

    @Test("Nobody's quota keeps back what was accepted") func quota() async throws {
        let fixture = try await Fixture()
        try await self.enqueue(fixture, ["ann@example.org"])
        try await fixture.store.setLimits(QuotaLimits(messages: 0, octets: nil), of: "ann@example.org")
        try await fixture.relaying {
            fixture.clock.advance(by: .seconds(3600))
            try await fixture.untilEmpty()
        }
        #expect(try await fixture.inbox().contains(Fixture.message))
    }

    @Test("While the smarthost rests, those here get theirs all the same") func smarthost() async throws {
        let fixture = try await Fixture {
            let smarthost = Smarthost(host: "out.example", port: 587, security: .opportunistic)
            $0.smarthosts = [SmarthostRule(smarthost: smarthost)]
        }
        fixture.sinks.set { $0.isDown = true }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying {
            try await fixture.untilIdle()
            try await self.enqueue(fixture, ["bob@example.net", "ann@example.org"], after: 10)
            fixture.clock.advance(by: .seconds(10))
            try await eventually("ann has it") { try await fixture.inbox().contains(Fixture.message) }
            try await fixture.untilIdle()
        }
        let left = try #require(try await fixture.queue().last)
        #expect(left.recipients.map(\.recipient.localPart) == ["bob"])
        #expect(fixture.sinks.record.targets.count == 1, "nobody was asked again")
    }

    @Test("An operator may let it go at once, but not with all the others") func retry() async throws {
        let fixture = try await Fixture()
        try await self.enqueue(fixture, ["ann@example.org"])
        let entry = try #require(try await fixture.queue().first)
        #expect(try await fixture.store.retry(nil, at: fixture.now) == 0)
        #expect(try await fixture.store.due(at: fixture.now, excluding: [], limit: 9).isEmpty)
        #expect(try await fixture.store.retry(nil, at: fixture.now.advanced(by: 3600)) == 1)
        #expect(try await fixture.store.retry(entry.id, at: fixture.now) == 1)
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(try await fixture.inbox().contains(Fixture.message))
    }
}
