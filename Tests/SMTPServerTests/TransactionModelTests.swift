// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 5321 §4.1.4: no order of commands makes a recipient of one transaction one of another.
@Suite("RFC 5321 §4.1.4") struct TransactionModelTests {
    private enum Step: CaseIterable {
        case mail, badMail, ann, bob, unknown, foreign, rset, helo, badHelo, noop, data, content, chunk, lastChunk
    }

    /// The session as RFC 5321 describes it, in a dozen lines.
    private struct Model {
        var isGreeted = false
        var recipients: Set<String>?
        var hasChunks = false
        /// Who got how many messages.
        var delivered = ["ann": 0, "bob": 0]

        mutating func reset() {
            self.recipients = nil
            self.hasChunks = false
        }

        mutating func deliver() {
            for name in self.recipients ?? [] { self.delivered[name, default: 0] += 1 }
            self.reset()
        }

        /// Whether the step succeeds.
        mutating func take(_ step: Step) -> Bool {
            switch step {
            case .mail:
                guard self.isGreeted, self.recipients == nil else { return false }
                self.recipients = []
                return true
            case .badMail, .unknown, .foreign, .badHelo: return false
            case .ann, .bob:
                guard self.recipients != nil, !self.hasChunks else { return false }
                self.recipients?.insert(step == .ann ? "ann" : "bob")
                return true
            case .rset:
                self.reset()
                return true
            case .helo:
                self.reset()
                self.isGreeted = true
                return true
            case .noop: return true
            case .data, .content:
                guard self.recipients?.isEmpty == false, !self.hasChunks else { return false }
                self.deliver()
                return true
            case .chunk, .lastChunk:
                guard self.recipients?.isEmpty == false else { return false }
                self.hasChunks = true
                if step == .lastChunk { self.deliver() }
                return true
            }
        }
    }

    private static func octets(_ step: Step) -> String {
        switch step {
        case .mail: "MAIL FROM:<eve@example.net>\r\n"
        case .badMail: "MAIL FROM:<eve@example.net> BODY=NONE\r\n"
        case .ann: "RCPT TO:<ann@example.org>\r\n"
        case .bob: "RCPT TO:<bob@example.org>\r\n"
        case .unknown: "RCPT TO:<nobody@example.org>\r\n"
        case .foreign: "RCPT TO:<fred@example.net>\r\n"
        case .rset: "RSET\r\n"
        case .helo: "EHLO client.example.com\r\n"
        case .badHelo: "HELO -\r\n"
        case .noop: "NOOP\r\n"
        case .data, .content: "DATA\r\n"
        case .chunk: "BDAT 12\r\nSubject: x\r\n"
        case .lastChunk: "BDAT 2 LAST\r\n\r\n"
        }
    }

    @Test("The session agrees with the model", arguments: 0..<20 as Range<UInt64>)
    func agreement(_ seed: UInt64) async throws {
        let fixture = try await Fixture { $0.errorLimit = .max / 8 }
        var generator = SeededGenerator(seed: seed)
        var model = Model()
        for _ in 0..<10 {
            model.isGreeted = false
            model.reset()
            let steps = (0..<100).map { _ in Step.allCases.randomElement(using: &generator) ?? .noop }
            try await fixture.connect { client in
                for (number, step) in steps.enumerated() {
                    client.send(Self.octets(step))
                    var reply = try await client.reply()
                    if reply.hasPrefix("354") { reply = try await client.ask("Subject: x\r\n\r\n.") }
                    #expect(reply.hasPrefix("250") == model.take(step), "\(steps[...number]): \(reply)")
                }
            }
        }
        #expect(try await fixture.inbox(of: fixture.ann).count == model.delivered["ann"])
        #expect(try await fixture.inbox(of: fixture.bob).count == model.delivered["bob"])
        try await fixture.close()
    }
}
