// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SenderAuthentication
import Synchronization
import Testing

@testable import SMTPServer

@Suite("Who hears of mail that others bring") struct ArrivalObserverTests {
    private static func send(_ author: String, from sender: String, through fixture: Fixture) async throws -> String {
        var reply = ""
        try await fixture.connect(peer: Peer(address: "192.0.2.7")) { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(from: sender, to: "ann@example.org")
            try await client.ask("DATA")
            reply = try await client.ask("From: \(author)\r\n\r\nHi\r\n.")
        }
        return reply
    }

    @Test("What was taken, what went to Junk, what was refused; not what is to come again")
    func arrivals() async throws {
        let heard = Mutex<[String]>([])
        let observer = ArrivalObserver { arrival in
            let fate = arrival.message == nil ? "refused" : arrival.isJunk ? "junk" : "taken"
            heard.withLock { $0.append("\(arrival.verdict.dmarc.domain?.text ?? "") \(fate)") }
        }
        let fixture = try await Fixture(senders: TestSenders().policy(), observer: observer)
        let cases = [
            ("eve@example.net", "eve@example.net", "250 "), ("a@refusing.example", "a@refusing.example", "250 "),
            ("boss@suspicious.example", "eve@example.net", "250 "),
            ("boss@refusing.example", "eve@example.net", "550 "),
            ("boss@silent.example", "a@silent.example", "451 "),
        ]
        for (author, sender, reply) in cases {
            #expect(try await Self.send(author, from: sender, through: fixture).hasPrefix(reply), "\(author)")
        }
        #expect(
            heard.withLock { $0 } == [
                "example.net taken", "refusing.example taken", "suspicious.example junk", "refusing.example refused",
            ]
        )
        try await fixture.close()
    }

    @Test("Nobody hears of mail that is not looked at") func exempt() async throws {
        let heard = Mutex(0)
        let fixture = try await Fixture(observer: ArrivalObserver { _ in heard.withLock { $0 += 1 } })
        #expect(try await Self.send("eve@example.net", from: "eve@example.net", through: fixture).hasPrefix("250 "))
        #expect(heard.withLock { $0 } == 0)
        try await fixture.close()
    }
}
