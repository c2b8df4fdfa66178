// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import MailMessage
import MailStorage
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: SMTP batches, what clients of the original do not need", .timeLimit(.minutes(20)))
struct SMTPExtensionTests {
    // NUL "ann@example.org" NUL "secret"
    private static let logIn = "EHLO client.example.com\r\nAUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\n"
    private static let text = "DATA\r\nFrom: <ann@example.org>\r\nSubject: hi\r\n\r\nhi\r\n.\r\n"
    private static let (ann, nobody) = ("RCPT TO:<ann@example.org>\r\n", "RCPT TO:<nobody@example.org>\r\n")
    private static let key: HTTPFields = [.idempotencyKey: "8e03978e-40d5-43e8-bc93-6894a57f9324"]

    private static func batch(_ recipients: String, _ end: String = "QUIT\r\n") -> String {
        Self.logIn + "MAIL FROM:<ann@example.org>\r\n" + recipients + Self.text + end
    }

    // MARK: What came of it

    @Test("smtp-headers: the last code, and how much was done, can be read off the response") func headers()
        async throws
    {
        try await Fixture.run { fixture in
            let all = try await fixture.post("/smtp/", Self.batch(Self.ann))
            #expect(all.fields[.bridgeSMTPLast] == "221")
            #expect(all.fields[.bridgeSMTPDone] == "7/7")
            #expect(all.fields[.bridgeSMTPError] == nil)
            let some = try await fixture.post("/smtp/", Self.batch(Self.nobody + Self.ann))
            #expect(some.status == .ok)
            #expect(some.fields[.bridgeSMTPLast] == "550")
            #expect(some.fields[.bridgeSMTPDone] == "3/8")
            #expect(some.fields[.bridgeSMTPError] == nil)
        }
    }

    @Test("smtp-skip-rcpt: refused recipients are passed over as long as there is one that is not") func skip()
        async throws
    {
        try await Fixture.run { fixture in
            let fields: HTTPFields = [.bridgeSMTP: "skip-rcpt"]
            let batch = Self.batch(Self.nobody + Self.ann + Self.nobody)
            let answer = try await fixture.post("/smtp/", batch, fields: fields)
            #expect(answer.fields[.bridgeSMTPLast] == "221")
            #expect(answer.fields[.bridgeSMTPDone] == "7/9")
            #expect(try await fixture.inboxCount() == 1)

            let none = try await fixture.post("/smtp/", Self.batch(Self.nobody), fields: fields)
            #expect(none.fields[.bridgeSMTPLast] == "550")
            #expect(!none.text.contains("\r\n354 "))
            // Recipients of one message are none of the next.
            let two = try await fixture.post(
                "/smtp/",
                Self.batch(Self.ann, "MAIL FROM:<ann@example.org>\r\n" + Self.nobody + Self.text),
                fields: fields
            )
            #expect(two.fields[.bridgeSMTPLast] == "550")
            #expect(try await fixture.inboxCount() == 2)
            // Other refusals end it.
            let sender = try await fixture.post(
                "/smtp/",
                Self.logIn + "MAIL FROM:<x@elsewhere.example>\r\n" + Self.ann + Self.text,
                fields: fields
            )
            #expect(sender.fields[.bridgeSMTPDone] == "2/6")
            #expect(try await fixture.post("/smtp/", batch, fields: [.bridgeSMTP: "all"]).error == "bad-field")
        }
    }

    @Test("smtp-timeout: a reply that does not come is waited for 5 minutes, behind the text 10, for all of it 15")
    func timeouts() async throws {
        for (replies, expected) in [(1, 300), (3, 600)] {
            let clock = TestClock()
            let (stream, feed) = AsyncStream.makeStream(of: [UInt8].self)
            for _ in 0..<replies { feed.yield(Array("250 OK\r\n".utf8)) }
            let rules = SMTPDialogue.Rules(
                commandTimeout: .seconds(300),
                textTimeout: .seconds(600),
                deadline: .seconds(900)
            )
            let batch = try SMTPBatch(Array("NOOP\r\nDATA\r\nx\r\n.\r\nQUIT\r\n".utf8))
            async let played = {
                var dialogue = SMTPDialogue(
                    rules: rules,
                    time: clock.timeSource,
                    replies: stream,
                    endReplies: { feed.finish() },
                    send: { _ in }
                )
                try await dialogue.play(batch)
                return dialogue.outcome
            }()
            try await waitUntil { (try? await clock.nextDeadline()) == .seconds(expected) }
            clock.advance(by: .seconds(expected))
            let outcome = try await played
            #expect(outcome.failure == .timeout)
            #expect(outcome.doneCount == replies - 1)
            #expect(outcome.hasSentText == (expected == 600))
            #expect(!outcome.hasDelivered)
        }
    }

    @Test("smtp-closed: a server that hangs up, or speaks nonsense, is told of", arguments: ["", "nonsense\r\n"])
    func closed(words: String) async throws {
        let (stream, feed) = AsyncStream.makeStream(of: [UInt8].self)
        feed.yield(Array("220 hello\r\n\(words)".utf8))
        feed.finish()
        let rules = SMTPDialogue.Rules(commandTimeout: .seconds(1), textTimeout: .seconds(1), deadline: .seconds(1))
        var dialogue = SMTPDialogue(
            rules: rules,
            time: TestClock().timeSource,
            replies: stream,
            endReplies: {},
            send: { _ in }
        )
        try await dialogue.play(try SMTPBatch(Array("NOOP\r\n".utf8)))
        #expect(dialogue.outcome.failure == .closed)
        #expect(dialogue.outcome.lastCode == 220)
    }

    @Test("A message in chunks is taken with its last one", arguments: [(2, false), (3, true)])
    func chunks(positive: Int, hasDelivered: Bool) async throws {
        let (stream, feed) = AsyncStream.makeStream(of: [UInt8].self)
        for _ in 0..<positive { feed.yield(Array("250 OK\r\n".utf8)) }
        feed.yield(Array("451 later\r\n".utf8))
        let rules = SMTPDialogue.Rules(commandTimeout: .seconds(1), textTimeout: .seconds(1), deadline: .seconds(1))
        var dialogue = SMTPDialogue(
            rules: rules,
            time: TestClock().timeSource,
            replies: stream,
            endReplies: {},
            send: { _ in }
        )
        try await dialogue.play(try SMTPBatch(Array("BDAT 1\r\nxBDAT 1 LAST\r\nxNOOP\r\n".utf8)))
        #expect(dialogue.outcome.lastCode == 451)
        #expect(dialogue.outcome.hasSentText)
        #expect(dialogue.outcome.hasDelivered == hasDelivered)
    }

    // MARK: Not twice

    @Test("idempotency: a batch that comes again is answered again, and not sent again") func replay() async throws {
        try await Fixture.run { fixture in
            let first = try await fixture.post("/smtp/", Self.batch(Self.ann), fields: Self.key)
            #expect(first.fields[.bridgeSMTPLast] == "221")
            #expect(first.fields[.idempotentReplay] == nil)
            for _ in 0..<2 {
                let again = try await fixture.post("/smtp/", Self.batch(Self.ann), fields: Self.key)
                #expect(again.octets == first.octets)
                #expect(again.fields[.bridgeSMTPLast] == "221")
                #expect(again.fields[.bridgeSMTPDone] == "7/7")
                #expect(again.fields[.idempotentReplay] == "1")
            }
            #expect(try await fixture.inboxCount() == 1)
            let other = try await fixture.post("/smtp/", Self.batch(Self.ann + Self.ann), fields: Self.key)
            #expect(other.status.code == 422)
            #expect(other.error == "key-reused")
            #expect(try await fixture.inboxCount() == 1)
            fixture.clock.advance(by: .seconds(86_400))
            #expect(
                try await fixture.post("/smtp/", Self.batch(Self.ann), fields: Self.key).fields[.idempotentReplay]
                    == nil
            )
            #expect(try await fixture.inboxCount() == 2)
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test("idempotency: what had no effect may be tried again") func noEffect() async throws {
        try await Fixture.run { fixture in
            let wrong = Self.batch(Self.ann).replacing(
                "AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=",
                with: "AGFubkBleGFtcGxlLm9yZwBzZWNyZXR0"
            )
            #expect(try await fixture.post("/smtp/", wrong, fields: Self.key).fields[.bridgeSMTPLast] == "535")
            let refused = try await fixture.post("/smtp/", Self.batch(Self.nobody), fields: Self.key)
            #expect(refused.fields[.bridgeSMTPLast] == "550")
            // Nor does the key belong to anything yet.
            let sent = try await fixture.post("/smtp/", Self.batch(Self.ann), fields: Self.key)
            #expect(sent.fields[.bridgeSMTPLast] == "221")
            #expect(try await fixture.inboxCount() == 1)
        }
    }

    @Test("idempotency: what was begun and has no answer is not begun again") func unfinished() async throws {
        try await Fixture.run { fixture in
            let body = Array(Self.batch(Self.ann).utf8)
            let key = try #require(try BatchKey(Self.key, body: body))
            let time = UnixTime(fixture.clock.timeSource.unixTime())
            let replay = Replay(fingerprint: key.fingerprint)
            try await fixture.store.begin(replay, of: key.digest, for: fixture.ann.id, at: time)
            let answer = try await fixture.post("/smtp/", Self.batch(Self.ann), fields: Self.key)
            #expect(answer.status == .conflict)
            #expect(answer.error == "unfinished")
            #expect(try await fixture.inboxCount() == 0)
            // So is one that is being sent.
            #expect(fixture.bridge.running.begin([1]))
            #expect(!fixture.bridge.running.begin([1]))
            fixture.bridge.running.end([1])
            #expect(fixture.bridge.running.begin([1]))
        }
    }

    @Test("idempotency: a store that cannot say whether it knows a batch is asked again later") func storeIsGone()
        async throws
    {
        // The fixture cannot close its store once more.
        await #expect(throws: StoreError.unavailable) {
            try await Fixture.run { fixture in
                try await fixture.store.close()
                let answer = try await fixture.post("/smtp/", Self.batch(Self.ann), fields: Self.key)
                #expect(answer.status == .serviceUnavailable)
                #expect(answer.error == "busy")
                #expect(fixture.bridge.bodies.usedCount == 0)
            }
        }
    }

    @Test("idempotency: what is no key", arguments: ["", "a b", "ü", String(repeating: "a", count: 256)])
    func badKeys(key: String) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.post("/smtp/", "QUIT\r\n", fields: [.idempotencyKey: key])
            #expect(answer.error == "bad-field")
        }
    }

    @Test("What is kept of an answer can be read again") func encoding() {
        for outcome in [
            SMTPOutcome(replies: Array("220 a\r\n".utf8), lastCode: 221, doneCount: 3, unitCount: 4, failure: nil),
            SMTPOutcome(replies: [], lastCode: nil, doneCount: 0, unitCount: 4, failure: .timeout),
        ] { #expect(SMTPOutcome(encoded: outcome.encoded) == outcome) }
        #expect(SMTPOutcome(encoded: []) == nil)
    }
}
