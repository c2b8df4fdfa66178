// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore
import Testing

@testable import MailNetwork

@Suite(.timeLimit(.minutes(20)))
struct SocketConnectionTests {
    @Test
    func aSessionEchoesAndHangsUp() async throws {
        try await TestServer.run(EchoSession.channel()) { server in
            try await TestClient.connect(to: server.port) { client in
                #expect(try await client.line() == "220 127.0.0.1")
                try await client.send("one\r\ntwo\r\n")
                #expect(try await client.line() == "echo one")
                #expect(try await client.line() == "echo two")
                try await client.send("QUIT\r\n")
                #expect(try await client.line() == "221 bye")
                #expect(try await client.line() == nil)
            }
        }
    }

    @Test
    func notesComeInTheirPlace() async throws {
        try await TestServer.run(EchoSession.channel()) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                try await client.send("NOTE\r\nlast of its buffer\r\n")
                #expect(try await client.line() == "echo last of its buffer")
                #expect(try await client.line() == "note posted")
            }
        }
    }

    @Test(arguments: [1, 5_000])
    func aClientThatClosesItsHalfIsStillAnswered(lines: Int) async throws {
        try await TestServer.run(EchoSession.channel()) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(String(repeating: "x\r\n", count: lines) + "QUIT\r\n")
                client.finish()
                let rest = await client.rest()
                #expect(rest == "220 127.0.0.1\r\n" + String(repeating: "echo x\r\n", count: lines) + "221 bye\r\n")
            }
        }
    }

    @Test
    func aSessionThatHoldsItsInputReadsNoMoreThanTwoBuffersOfIt() async throws {
        let channel = MailChannel<Int>(security: .none) { connection in
            var connection = connection
            let post = connection.post
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    try await Task.sleep(for: .milliseconds(200))
                    post(1)
                }
                guard case .note(1)? = try await connection.next(holdingOctets: true) else {
                    throw Unexpected(number: 1)
                }
            }
            #expect(connection.held.count <= 2)
            #expect(connection.held.count > 0)
            var octets: [UInt8] = []
            while octets.count < 2_600_000 {
                guard case .octets(let more)? = try await connection.next() else { throw Unexpected(number: 0) }
                octets += more
                // Held again, what comes meanwhile waits its turn.
                post(2)
                guard case .note(2)? = try await connection.next(holdingOctets: true) else {
                    throw Unexpected(number: 2)
                }
                #expect(connection.held.count <= 2)
            }
            let isInOrder = octets.enumerated().allSatisfy { $0.element == UInt8(ascii: "a") + UInt8($0.offset % 26) }
            try await connection.write(Array("\(octets.count) \(isInOrder)".utf8))
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(String(repeating: "abcdefghijklmnopqrstuvwxyz", count: 100_000))
                #expect(await client.rest() == "2600000 true")
            }
        }
    }

    @Test
    func notesGoOnBehindTheEndOfOctets() async throws {
        // The session learns of the end before anything that it answers with exists.
        let channel = MailChannel<Int>(security: .none) { connection in
            var connection = connection
            var octets: [UInt8] = []
            reading: while let inbound = try await connection.next() {
                switch inbound {
                case .octets(let more): octets += more
                case .endOfOctets: break reading
                case .note, .shutdown: Issue.record("nobody has posted or stopped anything yet")
                }
            }
            let (post, count) = (connection.post, octets.count)
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    for number in 1...3 {
                        try await Task.sleep(for: .milliseconds(20))
                        post(count + number)
                    }
                }
                for number in 1...3 {
                    guard case .note(count + number)? = try await connection.next() else {
                        throw Unexpected(number: number)
                    }
                    try await connection.write(Array("note \(number)\r\n".utf8))
                }
            }
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send("whatever")
                client.finish()
                #expect(await client.rest() == "note 1\r\nnote 2\r\nnote 3\r\n")
            }
        }
    }

    private struct Unexpected: Error { let number: Int }

    @Test
    func theEndOfOctetsComesOnceUnderTLSToo() async throws {
        // The close_notify and the end of the socket behind it are one end.
        let tls = try TestTLS.shared.get()
        let channel = MailChannel<Int>(security: .implicit(tls.source)) { connection in
            var connection = connection
            try await connection.drain()
            try await connection.write(Array("ended\r\n".utf8))
            let post = connection.post
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    try await Task.sleep(for: .milliseconds(100))
                    post(1)
                }
                guard case .note(1)? = try await connection.next() else { throw Unexpected(number: 1) }
            }
            try await connection.write(Array("noted\r\n".utf8))
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port, tls: tls.clientRole) { client in
                try await client.send("whatever")
                client.finish()
                #expect(await client.rest() == "ended\r\nnoted\r\n")
            }
        }
    }

    @Test(arguments: [false, true])
    func aPeerThatResetsEndsTheConnection(afterItsHalf: Bool) async throws {
        let (events, report) = AsyncStream.makeStream(of: String.self)
        let channel = MailChannel<Int>(security: .none) { connection in
            var connection = connection
            report.yield("began")
            while let inbound = try await connection.next() {
                if case .endOfOctets = inbound { report.yield("end of octets") }
            }
            // It stays the end, whatever is posted.
            connection.post(1)
            if try await connection.next() == nil { report.yield("gone") }
            await #expect(throws: (any Error).self) { try await connection.write([0x2E]) }
            report.yield("cannot write")
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                var iterator = events.makeAsyncIterator()
                #expect(await iterator.next() == "began")
                if afterItsHalf {
                    client.finish()
                    #expect(await iterator.next() == "end of octets")
                }
                try await client.reset()
            }
            var iterator = events.makeAsyncIterator()
            #expect(await iterator.next() == "gone")
            #expect(await iterator.next() == "cannot write")
        }
    }

    @Test
    func theLastWordsReachAClientThatTalksOn() async throws {
        // Unread input makes a careless server reset the connection, and its farewell is lost.
        let channel = MailChannel<Never>(security: .none) { connection in
            try await Task.sleep(for: .milliseconds(100))
            try await connection.write(Array("554 go away\r\n".utf8))
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(String(repeating: "spam and eggs\r\n", count: 20_000))
                #expect(try await client.line() == "554 go away")
                client.finish()
                #expect(try await client.line() == nil)
            }
        }
    }

    @Test
    func aPeerThatTakesNothingIsClosed() async throws {
        let (outcomes, report) = AsyncStream.makeStream(of: (any Error)?.self)
        let deadlines = SocketDeadlines(write: .milliseconds(200))
        let channel = MailChannel<Never>(security: .none, deadlines: deadlines) { connection in
            let block = [UInt8](repeating: 0x2E, count: 65_536)
            do {
                while true { try await connection.write(block) }
            } catch {
                report.yield(error)
            }
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { _ in
                var iterator = outcomes.makeAsyncIterator()
                let outcome = await iterator.next()
                #expect(outcome as? PeerStalled == PeerStalled(), "\(String(describing: outcome))")
            }
        }
    }

    @Test
    func writingToAPeerThatIsGoneThrows() async throws {
        let (outcomes, report) = AsyncStream.makeStream(of: Bool.self)
        let channel = MailChannel<Never>(security: .none) { connection in
            var connection = connection
            try await connection.drain()
            do {
                while true { try await connection.write([UInt8](repeating: 0x2E, count: 65_536)) }
            } catch {
                report.yield(true)
            }
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { _ in }
            var iterator = outcomes.makeAsyncIterator()
            #expect(await iterator.next() == true)
        }
    }

    @Test
    func aClientIsNotReadFasterThanItsSessionWorks() async throws {
        // The session takes one buffer and stops; of the 64 MiB, only what the kernel and two buffers hold may be sent.
        let (held, release) = AsyncStream.makeStream(of: Never.self)
        let channel = MailChannel<Never>(security: .none) { connection in
            var connection = connection
            _ = try await connection.next()
            for await _ in held {}
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                let channel = client.channel
                let total = 64 << 20
                channel.writeAndFlush(ByteBuffer(repeating: 0x2E, count: total), promise: nil)
                var left = total
                for _ in 0..<20 {
                    try await Task.sleep(for: .milliseconds(50))
                    left = try await channel.getOption(.bufferedWritableBytes).get()
                }
                #expect(left > total / 2)
                release.finish()
            }
        }
    }

    @Test
    func twoHundredClientsAtTheSameTime() async throws {
        try await TestServer.run(EchoSession.channel()) { server in
            try await withThrowingDiscardingTaskGroup { clients in
                for number in 0..<200 {
                    clients.addTask {
                        try await TestClient.connect(to: server.port) { client in
                            _ = try await client.line()
                            for round in 0..<10 {
                                try await client.send("client \(number) round \(round)\r\n")
                                #expect(try await client.line() == "echo client \(number) round \(round)")
                            }
                            try await client.send("QUIT\r\n")
                            #expect(try await client.line() == "221 bye")
                        }
                    }
                }
            }
        }
    }
}
