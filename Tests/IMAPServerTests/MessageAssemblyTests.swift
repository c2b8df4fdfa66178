// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer
@testable import IMAPSyntax

/// What many messages at once cost, and what is left of those that are given up.
@Suite("Messages being made", .timeLimit(.minutes(20))) struct MessageAssemblyTests {
    private func assembly(_ fixture: Fixture) throws -> MessageAssembly {
        var view = SessionView(service: fixture.service, peer: Peer(address: "127.0.0.1"))
        view.account = fixture.account
        return MessageAssembly(try MessageAssembly.Context(view))
    }

    private func add(_ octets: [UInt8], to assembly: inout MessageAssembly) async throws {
        try await assembly.take(.message(flags: [], internalDate: nil))
        try await assembly.take(.literal(LiteralHeader(size: UInt64(octets.count)), isMessage: true))
        try await assembly.append(octets[...])
        try await assembly.take(.messageEnd)
    }

    @Test("many small messages wait in the store, not in memory")
    func memory() async throws {
        let fixture = try await Fixture(clock: TestClock())
        var assembly = try self.assembly(fixture)
        for number in 0..<40 {
            let text = "Subject: \(number)\r\n\r\n" + String(repeating: "x", count: 100_000)
            try await self.add(Array(text.utf8), to: &assembly)
        }
        let inMemory = assembly.messages.reduce(0) { sum, message in
            guard case .octets(let octets) = message.message.content else { return sum }
            return sum + octets.count
        }
        #expect(assembly.messages.count == 40)
        #expect(inMemory < 1 << 21)
        await assembly.abandon()
        try await fixture.close()
    }

    @Test("messages about which too much is known are refused, but never the first")
    func summaries() async throws {
        let fixture = try await Fixture(clock: TestClock())
        var assembly = try self.assembly(fixture)
        let addresses = (0..<500).map { "someone.with.a.long.name.\($0)@subdomain.example.com" }
        let octets = Array("To: \(addresses.joined(separator: ",\r\n "))\r\n\r\n".utf8)
        await #expect(throws: Refusal.self) {
            for _ in 0..<1000 { try await self.add(octets, to: &assembly) }
        }
        #expect(assembly.messages.count > 1)
        await assembly.abandon()
        try await fixture.close()
    }

    @Test("a message made of many parts is no larger than one that came whole")
    func limit() async throws {
        let fixture = try await Fixture(clock: TestClock()) { $0.messageLimit = 1000 }
        let mailbox = try #require(try await fixture.mail.mailbox(named: "INBOX"))
        try await fixture.deliver(1...1)
        var assembly = try self.assembly(fixture)
        try await assembly.take(.message(flags: [], internalDate: nil))
        let url = Array("/INBOX;UIDVALIDITY=\(mailbox.uidValidity.rawValue)/;UID=1".utf8)
        let refusal = await #expect(throws: Refusal.self) {
            for _ in 0..<1000 { try await assembly.take(.url(url)) }
        }
        #expect(refusal?.code == .tooBig)
        await assembly.abandon()
        try await fixture.close()
    }

    @Test("RFC 6855 §4: who does not offer UTF8=ACCEPT need not refuse header fields that are not ASCII")
    func withoutUTF8Accept() async throws {
        for isWithheld in [false, true] {
            let fixture = try await Fixture(clock: TestClock()) { options in
                if isWithheld { options.withheldCapabilities.insert("UTF8=ACCEPT") }
            }
            var assembly = try self.assembly(fixture)
            let octets = Array("Subject: Gr\u{FC}\u{DF}e\r\n\r\n".utf8)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await self.add(octets, to: &assembly)) } catch { outcome = .failure(error) }
            if isWithheld { try outcome.get() } else { #expect(throws: Refusal.self) { try outcome.get() } }
            await assembly.abandon()
            try await fixture.close()
        }
    }

    @Test("only the message's own header counts", arguments: [1, 2, 3, 1000])
    func headerWatch(_ step: Int) {
        func hasUTF8(_ octets: [UInt8]) -> Bool {
            var watch = HeaderWatch()
            for start in stride(from: 0, to: octets.count, by: step) {
                watch.pass(octets[start..<min(start + step, octets.count)])
            }
            return watch.hasUTF8
        }
        func hasUTF8(_ text: String) -> Bool { hasUTF8(Array(text.utf8)) }
        #expect(hasUTF8("Subject: ä\r\n\r\n"))
        #expect(hasUTF8("Subject: a\r\nX: ä"))
        #expect(hasUTF8("Subject: a\r\n ä\r\n"))
        #expect(!hasUTF8("Subject: a\r\n\r\nä"))
        #expect(!hasUTF8("Subject: a\n\nä"))
        #expect(!hasUTF8("\r\nä"))
        #expect(!hasUTF8(""))
        #expect(hasUTF8("Subject: 日本 🙂\r\n\r\n"))
        // What is no UTF-8 is no internationalized header: Latin-1, cut off, too long, surrogates, too large.
        for octets: [UInt8] in [
            [0xE4], [0xE4, 0x62], [0xC3, 0xA4, 0xFC], [0xC3], [0xE2, 0x82], [0xC0, 0x80], [0xE0, 0x80, 0x80],
            [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF8], [0xFF],
        ] {
            #expect(!hasUTF8(Array("Subject: ".utf8) + octets + Array("\r\n\r\nb".utf8)))
            #expect(!hasUTF8(Array("Subject: ".utf8) + octets))
        }
    }
}
