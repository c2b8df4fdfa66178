// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import MailRelay

/// What is remembered of attempts, in the hosts' words.
@Suite struct StoryTests {
    @Test func wordsOfTheHost() async throws {
        let fixture = try await Fixture { $0.schedule = Fixture.patientSchedule }
        fixture.sinks.set {
            $0.extensions = ["PIPELINING", "STARTTLS"]
            $0.reply = { command, _ in
                if command.hasPrefix("RCPT TO:<bad") { return "550 5.1.1 no\u{1B}[2J such user" }
                return command.hasPrefix("RCPT TO:<later") ? "450 4.2.1 greylisted" : nil
            }
        }
        let entry = try await fixture.enqueue(["good@example.net", "bad@example.net", "later@example.net"])
        try await fixture.relaying {
            try await eventually("one is left") { try await fixture.queue().first?.recipients.count == 1 }
            try await fixture.untilAttempted()
        }
        let story = try #require(try await fixture.store.stories(of: "\(entry.rawValue)", limit: 1).first)
        let events = story.events.dropFirst()
        #expect(Set(events.map(\.kind)) == [.relayed, .failed, .deferred, .reported])
        #expect(events.count == 4)
        func event(_ kind: MessageEvent.Kind) throws -> MessageEvent {
            try #require(events.first { $0.kind == kind })
        }
        #expect(try event(.relayed).address == "good@example.net")
        func words(_ kind: MessageEvent.Kind) throws -> String {
            let detail = try #require(try event(kind).detail)
            #expect(detail.hasPrefix("mx.example.net ["), "which host")
            return String(detail[try #require(detail.firstRange(of: "]: ")).upperBound...])
        }
        #expect(try words(.relayed).hasPrefix("250 "))
        #expect(try words(.failed).hasPrefix("550 5.1.1 no"))
        #expect(try words(.failed).hasSuffix("[2J such user"))
        #expect(try words(.deferred) == "450 4.2.1 greylisted")
        #expect(try event(.deferred).until == fixture.now.advanced(by: 200_000))
        #expect(events.filter { $0.kind != .reported }.allSatisfy { $0.tls == "TLSv1.3" }, "nobody has verified")
        let id = try #require(try event(.reported).detail)
        let report = try #require(try await fixture.store.stories(of: id, limit: 1).first)
        #expect(report.reversePath == "")
        #expect(report.facts.recipients == ["ann@example.org"])
        #expect(report.events.map(\.kind) == [.delivered])
    }
}
