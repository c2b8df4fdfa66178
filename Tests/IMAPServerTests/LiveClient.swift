// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

@testable import IMAPServer

/// A client of a session that runs beside the test.
struct LiveClient: Sendable {
    let pipe: PipeConnection<IMAPNote>.Client
    let received: ReceivedOctets

    func send(_ text: String) { self.pipe.send(Array(text.utf8)) }

    /// The next line; fails the test at the end of the connection.
    func line() async throws -> String { text(try #require(try await self.received.line())) }

    /// The lines up to and with the first that begins so.
    func lines(to prefix: String) async throws -> [String] {
        var lines: [String] = []
        repeat { lines.append(try await self.line()) } while lines.last?.hasPrefix(prefix) != true
        return lines
    }

    /// Logs in and selects INBOX; the lines of SELECT.
    @discardableResult func select() async throws -> [String] {
        self.send("l1 LOGIN ann@example.org secret\r\n")
        _ = try await self.lines(to: "l1 OK")
        self.send("l2 SELECT INBOX\r\n")
        return try await self.lines(to: "l2 OK")
    }

    /// Runs `body` with so many clients, each with a session of its own.
    static func with<Value: Sendable>(
        _ count: Int = 1,
        of service: IMAPService,
        _ body: @Sendable ([LiveClient]) async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup { group in
            var clients: [LiveClient] = []
            for _ in 0..<count {
                let received = ReceivedOctets()
                let (server, client) = PipeConnection<IMAPNote>.make(
                    peer: Peer(address: "127.0.0.1", isLoopback: true),
                    deliver: { received.append($0) }
                )
                clients.append(LiveClient(pipe: client, received: received))
                group.addTask {
                    defer { received.close() }
                    var session = IMAPSession(connection: server, service: service)
                    try await session.run()
                }
            }
            do {
                let value = try await body(clients)
                for client in clients { client.pipe.close() }
                try await group.waitForAll()
                return value
            } catch {
                for client in clients { client.pipe.disconnect() }
                group.cancelAll()
                throw error
            }
        }
    }
}
