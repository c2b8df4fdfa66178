// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms
import Synchronization
import TestSupport
import Testing

@testable import SMTPServer

@Suite("Limits of clients") struct ClientLimitsTests {
    private static func origin(_ octets: UInt8...) throws -> GuessOrigin { try #require(GuessOrigin(octets: octets)) }

    /// The address that is number `host` of the /64 that is number `network` of 2001:db8::/48.
    private static func origin6(_ network: UInt8, _ host: UInt8) throws -> GuessOrigin {
        try #require(GuessOrigin(octets: [0x20, 1, 0xd, 0xb8, 0, 0, 0, network] + [0, 0, 0, 0, 0, 0, 0, host]))
    }

    @Test("So many at the same time, of an address, of the network around it, of an account") func crowds() throws {
        var options = ClientLimits.Options()
        (options.sessionsPerAddress, options.sessionsPerNetwork, options.sessionsPerAccount) = (2, 3, 1)
        var limits = ClientLimits(options)
        let (first, second, third) = (
            try Self.origin(192, 0, 2, 1), try Self.origin(192, 0, 2, 2), try Self.origin(192, 0, 3, 1)
        )
        #expect(limits.begin(first, isKnown: false, at: .zero) == nil)
        #expect(limits.begin(first, isKnown: false, at: .zero) == nil)
        #expect(limits.begin(first, isKnown: false, at: .zero) == .crowd)
        #expect(limits.begin(first, isKnown: true, at: .zero) == .crowd, "an address has its limit in any case")
        #expect(limits.begin(second, isKnown: false, at: .zero) == nil)
        limits.end(second)
        #expect(limits.begin(second, isKnown: false, at: .zero) == nil)
        #expect(limits.begin(second, isKnown: false, at: .zero) == .crowd, "the network's")
        #expect(limits.begin(second, isKnown: true, at: .zero) == nil, "who is known does not suffer for neighbours")
        #expect(limits.begin(third, isKnown: false, at: .zero) == nil)
        limits.end(first)
        #expect(limits.begin(first, isKnown: false, at: .zero) == .crowd, "there are three still")
        limits.end(second)
        #expect(limits.begin(first, isKnown: false, at: .zero) == nil)

        func admit(_ account: AccountID) -> Bool { limits.admit(account) }
        let (ann, bob) = (AccountID(rawValue: 1), AccountID(rawValue: 2))
        #expect(admit(ann))
        #expect(!admit(ann))
        #expect(admit(bob))
        limits.release(ann)
        #expect(admit(ann))
    }

    @Test("An address of IPv6 is its /64, the network around it its /48") func ipv6() throws {
        var options = ClientLimits.Options()
        (options.sessionsPerAddress, options.sessionsPerNetwork) = (1, 2)
        var limits = ClientLimits(options)
        #expect(limits.begin(try Self.origin6(1, 1), isKnown: false, at: .zero) == nil)
        #expect(limits.begin(try Self.origin6(1, 2), isKnown: false, at: .zero) == .crowd)
        #expect(limits.begin(try Self.origin6(2, 1), isKnown: false, at: .zero) == nil)
        #expect(limits.begin(try Self.origin6(3, 1), isKnown: false, at: .zero) == .crowd)
    }

    @Test("In no minute more than twice the rate, and the rate for ever") func haste() throws {
        var options = ClientLimits.Options()
        options.sessionsPerMinute = 10
        var limits = ClientLimits(options)
        let origin = try Self.origin(192, 0, 2, 1)
        var begun: [Duration] = []
        for tick in 0..<6000 {
            let now = Duration.milliseconds(100 * tick)
            if limits.begin(origin, isKnown: false, at: now) == nil {
                begun.append(now)
                limits.end(origin)
            }
        }
        #expect(begun.prefix(10).allSatisfy { $0 < .seconds(1) }, "ten at once")
        #expect(begun.count == 10 + 99, "then one every six seconds")
        for (index, start) in begun.enumerated() {
            #expect(begun[index...].prefix { $0 - start < .seconds(60) }.count <= 20)
        }
        // Neighbours have theirs, until the network has had four times as many.
        var neighbours = 0
        for host in 2..<102 {
            let neighbour = try Self.origin(192, 0, 2, UInt8(host))
            if limits.begin(neighbour, isKnown: false, at: .seconds(600)) == nil { neighbours += 1 }
        }
        #expect((30...40).contains(neighbours))
        #expect(limits.begin(try Self.origin(192, 0, 2, 200), isKnown: true, at: .seconds(600)) == nil)
    }

    @Test("Offences ban an address, for a while, and nobody else") func bans() throws {
        var limits = ClientLimits()
        func offend(_ origin: GuessOrigin, isKnown: Bool = false, at now: Duration = .zero) -> Bool {
            limits.offend(origin, isKnown: isKnown, at: now)
        }
        let (origin, neighbour) = (try Self.origin(192, 0, 2, 1), try Self.origin(192, 0, 2, 2))
        for _ in 0..<5 { #expect(!offend(origin)) }
        #expect(limits.begin(origin, isKnown: false, at: .zero) == nil, "five are forgiven")
        #expect(offend(origin))
        #expect(limits.begin(origin, isKnown: false, at: .seconds(3599)) == .ban)
        #expect(limits.begin(neighbour, isKnown: false, at: .seconds(3599)) == nil)
        #expect(limits.begin(origin, isKnown: true, at: .seconds(3599)) == nil, "somebody has logged in from there")
        #expect(limits.begin(origin, isKnown: false, at: .seconds(3600)) == nil)
        for _ in 0..<5 { #expect(!offend(origin, at: .seconds(3600)), "counted anew") }
        for _ in 0..<100 { #expect(!offend(neighbour, isKnown: true, at: .seconds(3600))) }
        #expect(limits.begin(neighbour, isKnown: false, at: .seconds(3600)) == nil)
    }

    @Test("Whatever addresses come, only so much is remembered, and the worst longest") func spray() throws {
        var options = ClientLimits.Options()
        (options.tableLimit, options.offences) = (64, 1)
        var limits = ClientLimits(options)
        let worst = try Self.origin(198, 51, 100, 1)
        for _ in 0..<2 { _ = limits.offend(worst, isKnown: false, at: .seconds(1)) }
        for number in 0..<5000 {
            let origin = try #require(GuessOrigin(octets: [10, UInt8(number >> 8), UInt8(number & 255), 1]))
            _ = limits.begin(origin, isKnown: false, at: .zero)
            limits.end(origin)
            _ = limits.offend(origin, isKnown: false, at: .zero)
            if number % 3 == 0 { _ = limits.offend(origin, isKnown: false, at: .zero) }
            limits.countRecipient(of: AccountID(rawValue: Int64(number)), at: .zero)
        }
        #expect(limits.entryCount <= 5 * 64)
        #expect(limits.begin(worst, isKnown: false, at: .seconds(2)) == .ban)
    }

    // MARK: In sessions

    /// What a client that says something at once hears first and, if it was greeted, as its reply.
    private func talk(
        _ fixture: Fixture,
        _ words: String,
        peer: Peer = Peer(address: "192.0.2.7")
    ) async throws -> [String] {
        let received = ReceivedOctets()
        let service = fixture.service
        var lines: [String] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (server, pipe) = PipeConnection<SMTPNote>.make(
                peer: peer,
                security: Transcript.security,
                deliver: { received.append($0) }
            )
            group.addTask {
                defer { received.close() }
                var session = SMTPSession(connection: server, service: service, role: .exchange)
                try await silently { try await session.run() }
            }
            let client = Fixture.Client(pipe: pipe, received: received)
            lines.append(try await client.reply())
            if lines[0].hasPrefix("220 ") { lines.append(try await client.ask(words)) }
            pipe.close()
            try await group.waitForAll()
        }
        return lines.map { String($0.prefix(9)) }
    }

    @Test("An address that offends is told to come later, and may come when the time is over") func banned()
        async throws
    {
        let fixture = try await Fixture {
            ($0.offenceLimit, $0.sessionsPerMinute) = (2, 1000)
        }
        for _ in 0..<3 { #expect(try await self.talk(fixture, "GET / HTTP/1.1") == ["220 mx.ex", "554 5.5.1"]) }
        #expect(try await self.talk(fixture, "NOOP") == ["421 4.7.0"])
        #expect(try await self.talk(fixture, "NOOP", peer: Peer(address: "::ffff:192.0.2.7")) == ["421 4.7.0"])
        #expect(try await self.talk(fixture, "NOOP", peer: Peer(address: "192.0.2.8")) == ["220 mx.ex", "250 2.0.0"])
        fixture.clock.advance(by: .seconds(3600))
        #expect(try await self.talk(fixture, "NOOP") == ["220 mx.ex", "250 2.0.0"])
        try await fixture.close()
    }

    /// Large hosts send the former for their users, and our own users' programs may be set up for the latter.
    @Test("Bare line ends in a chunk, or of those who submit, are refused but no offence") func refusals() async throws
    {
        let fixture = try await Fixture { ($0.offenceLimit, $0.sessionsPerMinute) = (1, 1000) }
        for _ in 0..<3 {
            try await fixture.connect { client in
                try await client.ask("EHLO client.example.com")
                try await client.begin(to: "ann@example.org")
                client.send("BDAT 16 LAST\r\nSubject: x\n\nab\r\n")
                #expect(try await client.reply().hasPrefix("550 5.6.11 "))
                #expect(try await client.reply().isEmpty)
            }
            try await fixture.connect(.submission) { client in
                let reply = try await client.ask("EHLO client.example.com\n")
                #expect(reply.hasPrefix("500 5.5.2 "))
                #expect(try await client.reply().isEmpty)
            }
        }
        // Of other servers' commands they are one, and two are too many.
        for expected in [["220 mx.ex", "500 5.5.2"], ["220 mx.ex", "500 5.5.2"], ["421 4.7.0"]] {
            #expect(try await self.talk(fixture, "NOOP\n") == expected)
        }
        try await fixture.close()
    }

    @Test("A login that the store could not finish leaves the account its sessions") func failedLogin() async throws {
        let looks = Mutex(0)
        let fixture = try await Fixture {
            $0.sessionsPerAccount = 1
        } willLookUp: {
            // The password is right; whether it still is cannot be found out.
            let isSecond = looks.withLock { looks in
                looks += 1
                return looks == 2
            }
            if isSecond { throw StoreError.unavailable }
        }
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.ask("EHLO client.example.com")
            let login = "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ="
            #expect(try await client.ask(login).hasPrefix("45"))
            #expect(try await client.ask(login).hasPrefix("235 "))
        }
        #expect(looks.withLock { $0 } == 4)
        try await fixture.close()
    }

    @Test("Where somebody has logged in lately nobody is banned, whatever comes from there") func known() async throws {
        let fixture = try await Fixture(wrongPasswords: 100) { $0.offenceLimit = 1 }
        try await fixture.connect(.submissions, peer: .secure) { try await $0.logIn("ann@example.org") }
        for _ in 0..<5 { #expect(try await self.talk(fixture, "GET / HTTP/1.1") == ["220 mx.ex", "554 5.5.1"]) }
        fixture.clock.advance(by: .seconds(30 * 86_400))
        for _ in 0..<2 { #expect(try await self.talk(fixture, "GET / HTTP/1.1") == ["220 mx.ex", "554 5.5.1"]) }
        #expect(try await self.talk(fixture, "NOOP") == ["421 4.7.0"])
        try await fixture.close()
    }

    @Test("This machine itself is not counted") func loopback() async throws {
        let fixture = try await Fixture { ($0.offenceLimit, $0.sessionsPerMinute) = (1, 1) }
        let peer = Peer(address: "127.0.0.1", isLoopback: true)
        for _ in 0..<5 {
            #expect(try await self.talk(fixture, "GET / HTTP/1.1", peer: peer) == ["220 mx.ex", "554 5.5.1"])
        }
        try await fixture.close()
    }

    @Test("Sessions that have ended are not counted, however they ended") func places() async throws {
        let fixture = try await Fixture { ($0.sessionsPerAddress, $0.sessionsPerAccount) = (1, 1) }
        for _ in 0..<3 {
            #expect(try await self.talk(fixture, "GET / HTTP/1.1") == ["220 mx.ex", "554 5.5.1"])
            try await fixture.connect(.submissions, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                #expect(try await self.talk(fixture, "NOOP") == ["421 4.7.0"])
                try await fixture.connect(.submissions, peer: Peer(address: "192.0.2.8", security: Transcript.security))
                {
                    try await $0.ask("EHLO client.example.com")
                    let reply = try await $0.ask("AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=")
                    #expect(reply.hasPrefix("4"), "the account has its session")
                }
            }
        }
        try await fixture.close()
    }

    @Test("An account names so many recipients within an hour, in however many messages") func recipients() async throws
    {
        let fixture = try await Fixture { $0.recipientsPerHour = 3 }
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "a@example.net", "b@example.net")
            try await client.ask("RSET")
            try await client.begin(from: "ann@example.org", to: "c@example.net")
            #expect(try await client.ask("RCPT TO:<d@example.net>").hasPrefix("450 4.7.1 "))
            fixture.clock.advance(by: .seconds(1200))
            #expect(try await client.ask("RCPT TO:<d@example.net>").hasPrefix("250 "))
            #expect(try await client.ask("RCPT TO:<e@example.net>").hasPrefix("450 4.7.1 "))
        }
        try await fixture.close()
    }
}
