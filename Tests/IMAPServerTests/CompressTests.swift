// SPDX-License-Identifier: Apache-2.0

import MailConnection
import StreamCompression
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// RFC 4978, which transcripts cannot show.
@Suite("COMPRESS=DEFLATE", .timeLimit(.minutes(20))) struct CompressTests {
    /// What a session says to these buffers, sent one after the other; then the client sends nothing more.
    private func answers(
        to buffers: [[UInt8]],
        transport: Peer.Transport = .socket,
        isOffered: Bool = true,
        messages: [String] = [Fixture.message(1), Fixture.message(2), Fixture.message(3)]
    ) async throws -> [UInt8] {
        let fixture = try await Fixture(clock: TestClock()) { options in
            if isOffered { options.withheldCapabilities.remove("COMPRESS=DEFLATE") }
            options.withheldCapabilities.remove("UNAUTHENTICATE")
            options.concurrency = 1
        }
        for message in messages { try await fixture.append(Array(message.utf8)) }
        let received = Mutex<[UInt8]>([])
        let (server, client) = PipeConnection<IMAPNote>.make(
            peer: Peer(address: "127.0.0.1", transport: transport, isLoopback: true)
        ) { octets in received.withLock { $0 += octets } }
        for buffer in buffers { client.send(buffer) }
        client.close()
        var session = IMAPSession(connection: server, service: fixture.service)
        try await session.run()
        try await fixture.close()
        return received.withLock { $0 }
    }

    private static let login = Array("a LOGIN ann@example.org secret\r\n".utf8)
    private static let compress = Array("b COMPRESS DEFLATE\r\n".utf8)
    private static let ok = Array("b OK DEFLATE active\r\n".utf8)

    /// What was said in clear text, and what was said compressed.
    private func parts(_ answers: [UInt8]) throws -> (clear: String, compressed: String) {
        let end = try #require(
            answers.indices.first { answers[..<$0].suffix(Self.ok.count).elementsEqual(Self.ok) }
        )
        let inflater = try Inflater()
        inflater.append(Array(answers[end...]))
        var rest: [UInt8] = []
        while inflater.hasMore { rest += try inflater.next(limit: 65536) }
        return (String(decoding: answers[..<end], as: UTF8.self), String(decoding: rest, as: UTF8.self))
    }

    @Test("§3: everything behind the OK is compressed, both ways")
    func conversation() async throws {
        let deflater = try Deflater()
        let answers = try await self.answers(to: [
            Self.login, Self.compress,
            deflater.compress(Array("c SELECT INBOX\r\nd APPEND INBOX {14}\r\n".utf8)),
            deflater.compress(Array("Subject: hi\r\n\r\n".utf8.prefix(14)) + Array("\r\n".utf8)),
            deflater.compress(Array("e FETCH 1 BODY.PEEK[]\r\nf LOGOUT\r\n".utf8)),
        ])
        let (clear, compressed) = try self.parts(answers)
        #expect(clear.contains(" COMPRESS=DEFLATE"))
        #expect(compressed.contains("\r\n+ Ready for the message\r\n"))
        #expect(compressed.contains("d OK [APPENDUID "))
        #expect(compressed.contains(Fixture.message(1)))
        #expect(compressed.hasSuffix("* BYE Logging out\r\nf OK LOGOUT completed\r\n"))
    }

    @Test("§3: not twice, and no other algorithm", arguments: ["COMPRESS DEFLATE", "COMPRESS GZIP", "COMPRESS"])
    func refusals(_ command: String) async throws {
        let deflater = try Deflater()
        let answers = try await self.answers(to: [
            Self.login, Self.compress, deflater.compress(Array("c \(command)\r\nd CAPABILITY\r\n".utf8)),
        ])
        let (_, compressed) = try self.parts(answers)
        #expect(compressed.hasPrefix(command == "COMPRESS DEFLATE" ? "c BAD [COMPRESSIONACTIVE] " : "c BAD "))
        #expect(compressed.contains("* CAPABILITY "))
        #expect(!compressed.contains("COMPRESS=DEFLATE"))
        #expect(!compressed.contains("UNAUTHENTICATE"))
    }

    @Test("not before login, not over the bridge, and not unless the settings say so")
    func isWithheld() async throws {
        let before = String(decoding: try await self.answers(to: [Self.compress]), as: UTF8.self)
        #expect(before.hasSuffix("b BAD [CLIENTBUG] COMPRESS is not allowed now: log in first\r\n"))
        #expect(!before.contains("COMPRESS=DEFLATE"))
        for (transport, isOffered) in [(Peer.Transport.bridge, true), (.socket, false)] {
            let octets = try await self.answers(
                to: [Self.login, Self.compress],
                transport: transport,
                isOffered: isOffered
            )
            let answers = String(decoding: octets, as: UTF8.self)
            #expect(answers.hasSuffix("b BAD [CLIENTBUG] Expected a command\r\n"))
            #expect(!answers.contains("COMPRESS=DEFLATE"))
        }
    }

    @Test("commands that came in clear text behind COMPRESS are forgotten")
    func injection() async throws {
        let deflater = try Deflater()
        let answers = try await self.answers(to: [
            Self.login, Self.compress + Array("x DELETE Sent\r\n".utf8), deflater.compress(Array("c NOOP\r\n".utf8)),
        ])
        let (_, compressed) = try self.parts(answers)
        #expect(compressed == "c OK NOOP completed\r\n")
    }

    @Test("the length of a message tells nothing about another that is fetched with it (CRIME)")
    func messagesAreApart() async throws {
        let secret = "4711-0815-wxyz"
        var lengths: Set<Int> = []
        for guess in [secret, String(secret.reversed())] {
            let fetch = try Deflater().compress(Array("c SELECT INBOX\r\nd FETCH 1:2 BODY.PEEK[]\r\n".utf8))
            let answers = try await self.answers(
                to: [Self.login, Self.compress, fetch],
                messages: ["Subject: a\r\n\r\n\(secret)\r\n", "Subject: b\r\n\r\n\(guess)\r\n"]
            )
            #expect(try self.parts(answers).compressed.contains(guess))
            lengths.insert(answers.count)
        }
        #expect(lengths.count == 1)
    }

    @Test("octets that are not compressed, or swell too much, end the session")
    func damaged() async throws {
        let bomb = try Deflater().compress(Array(repeating: UInt8(ascii: "x"), count: 64 << 20))
        for octets in [Array("c NOOP\r\n".utf8), bomb] {
            let (_, compressed) = try self.parts(try await self.answers(to: [Self.login, Self.compress, octets]))
            #expect(compressed.hasSuffix("* BYE [CLIENTBUG] Expected compressed commands\r\n"))
        }
    }

    @Test("a client that ends its stream is answered, as one that closes its half is; what follows is not compressed")
    func endedStream() async throws {
        // One stored block, which is the last (RFC 1951 §3.2.4): what deflate makes with Z_FINISH.
        func last(_ text: String) -> [UInt8] {
            let length = UInt16(text.utf8.count)
            return [0x01, UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
                + Array(text.utf8)
        }
        let command = last("c SELECT INBOX\r\nd FETCH 1 BODY.PEEK[]\r\n")
        let (_, compressed) = try self.parts(try await self.answers(to: [Self.login, Self.compress, command]))
        #expect(compressed.contains(Fixture.message(1)))
        #expect(compressed.hasSuffix("d OK FETCH completed\r\n"))
        // Whether that command is still answered is not said.
        let more = try await self.answers(to: [
            Self.login, Self.compress, last("c NOOP\r\n") + Array("d NOOP\r\n".utf8),
        ])
        #expect(try self.parts(more).compressed.hasSuffix("* BYE [CLIENTBUG] Expected compressed commands\r\n"))
    }

    @Test("a message may swell as it likes, also one that is refused; nothing else may that came with it")
    func regularMessage() async throws {
        let size = 8 << 20
        let deflater = try Deflater()
        let message = Array(repeating: UInt8(ascii: "x"), count: size)
        let octets = deflater.compress(
            Array("c APPEND INBOX {\(size)+}\r\n".utf8) + message + Array("\r\nd APPEND Nowhere {\(size)+}\r\n".utf8)
                + message + Array("\r\ne NOOP\r\n".utf8)
        )
        #expect(octets.count * 150 < 2 * size)
        let bomb = deflater.compress(Array(repeating: UInt8(ascii: "x"), count: 32 << 20))
        let (_, compressed) = try self.parts(try await self.answers(to: [Self.login, Self.compress, octets, bomb]))
        let lines = compressed.split(separator: "\r\n")
        #expect(lines.count == 5)
        #expect(lines.first?.hasPrefix("c OK [APPENDUID ") == true)
        #expect(lines.dropFirst().first?.hasPrefix("d NO [TRYCREATE]") == true)
        #expect(lines.dropFirst(2).first == "e OK NOOP completed")
        #expect(lines.last == "* BYE [CLIENTBUG] Expected compressed commands")
    }

    @Test("a line without end is as long as one that came in clear text")
    func longLine() async throws {
        let deflater = try Deflater()
        let line = deflater.compress(Array("c NOOP \(String(repeating: "x", count: 500_000))\r\nd NOOP\r\n".utf8))
        let (_, compressed) = try self.parts(try await self.answers(to: [Self.login, Self.compress, line]))
        #expect(compressed == "c BAD [TOOBIG] Command is too long\r\nd OK NOOP completed\r\n")
    }

    @Test("however the octets are cut", arguments: [1, 2, 5])
    func splits(_ size: Int) async throws {
        let octets = try Deflater().compress(Array("c SELECT INBOX\r\nd UID FETCH 1:* FLAGS\r\n".utf8))
        let buffers = stride(from: 0, to: octets.count, by: size).map { start in
            Array(octets[start..<min(start + size, octets.count)])
        }
        let (_, compressed) = try self.parts(try await self.answers(to: [Self.login, Self.compress] + buffers))
        #expect(compressed.hasSuffix("d OK UID FETCH completed\r\n"))
    }

    @Test("RFC 8437 §4.1: UNAUTHENTICATE cannot end it, and may not be refused")
    func unauthenticate() async throws {
        let deflater = try Deflater()
        let answers = try await self.answers(to: [
            Self.login, Self.compress, deflater.compress(Array("c UNAUTHENTICATE\r\n".utf8)),
        ])
        #expect(try self.parts(answers).compressed == "* BYE Connect again: compression cannot end\r\n")
    }
}
