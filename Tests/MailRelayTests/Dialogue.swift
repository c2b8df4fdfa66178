// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms
import SMTPSyntax
import Testing

@testable import MailRelay

/// A machine with what it has said.
struct Dialogue {
    var machine: ClientStateMachine
    /// What was sent, line by line; `[TLS]`, `[content]`, `[ready]` and `[failed]` between.
    var said: [String] = []
    var failure: SessionFailure?

    init(
        security: ClientStateMachine.Security = .opportunistic,
        login: ClientLogin? = nil,
        isSecure: Bool = false,
        allowsPlaintext: Bool = false
    ) {
        var settings = ClientStateMachine.Settings(hostname: "mx.example.org", security: security, login: login)
        settings.allowsPlaintext = allowsPlaintext
        self.machine = ClientStateMachine(settings, isSecure: isSecure)
    }

    /// Takes replies, and does what has to be done between them.
    mutating func hear(_ replies: String...) throws {
        for text in replies {
            var parser = ReplyParser()
            parser.append(Array((text + "\r\n").utf8))
            let reply = try #require(try parser.next())
            #expect(!parser.hasUnread)
            self.follow(self.machine.received(reply))
        }
    }

    mutating func follow(_ action: ClientStateMachine.Action) {
        switch action {
        case .wait: break
        case .send(let octets):
            self.said += String(decoding: octets, as: UTF8.self).split(separator: "\r\n").map(String.init)
        case .secure:
            self.said.append("[TLS]")
            self.follow(self.machine.secured())
        case .compute(let exchange, let challenge):
            var next = exchange
            let response = try? next.respond(to: challenge)
            self.follow(self.machine.respond(next, response))
        case .content:
            self.said.append("[content]")
            self.follow(self.machine.contentSent())
        case .ready: self.said.append("[ready]")
        case .failed(let failure):
            self.said.append("[failed]")
            self.failure = failure
        }
    }

    /// What was said since the last time.
    mutating func take() -> [String] {
        defer { self.said = [] }
        return self.said
    }

    /// As far as being ready.
    static func ready(_ extensions: String...) throws -> Dialogue {
        var dialogue = Dialogue()
        let lines = ["mx.example.net"] + extensions
        try dialogue.hear(
            "220 hello",
            lines.dropLast().map { "250-\($0)\r\n" }.joined() + "250 \(lines.last ?? "")"
        )
        #expect(dialogue.take() == ["EHLO mx.example.org", "[ready]"])
        return dialogue
    }

    mutating func begin(_ recipients: String..., change: (inout ClientTransaction) -> Void = { _ in }) throws {
        var transaction = ClientTransaction(
            reversePath: .address(try EmailAddress(parsing: "ann@example.org")),
            recipients: try recipients.enumerated().map {
                ClientTransaction.Recipient(
                    number: $0.offset,
                    address: try EmailAddress(parsing: $0.element),
                    notify: nil,
                    originalRecipient: nil
                )
            },
            size: 1234
        )
        change(&transaction)
        self.follow(self.machine.begin(transaction))
    }

    /// `+` delivered, `x` failed, `~` deferred, `?` unknown.
    func verdicts(_ count: Int) -> String {
        (0..<count).map { number in
            switch self.machine.verdicts[number] {
            case .delivered, .deliveredHere: "+"
            case .failed: "x"
            case .deferred: "~"
            case nil: "?"
            }
        }.joined()
    }
}
