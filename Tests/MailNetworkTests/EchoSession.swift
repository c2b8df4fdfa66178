// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

@testable import MailNetwork

/// A line protocol just large enough to see what a connection does: it echoes lines, and knows STARTTLS and QUIT.
struct EchoSession {
    typealias Note = String

    /// How long to work on a STARTTLS before answering: what the client sends meanwhile is queued.
    var slowness: Duration?

    func run(_ connection: SocketConnection<Note>) async throws {
        var connection = connection
        var line: [UInt8] = []
        try await connection.write(Array("220 \(connection.peer.address)\r\n".utf8))
        inbox: while let inbound = try await connection.next() {
            switch inbound {
            case .octets(let octets):
                for octet in octets {
                    line.append(octet)
                    guard octet == UInt8(ascii: "\n") else { continue }
                    let text = String(decoding: line.dropLast(2), as: UTF8.self)
                    line = []
                    switch text {
                    case "QUIT":
                        try await connection.write(Array("221 bye\r\n".utf8))
                        return
                    case "LOGIN":
                        connection.keepPlace()
                        try await connection.write(Array("235 welcome\r\n".utf8))
                    case "NOTE":
                        connection.post("posted")
                    case "STARTTLS":
                        if let slowness = self.slowness {
                            connection.post("before TLS")
                            try await Task.sleep(for: slowness)
                        }
                        try await connection.startTLS(after: Array("220 go\r\n".utf8))
                        // What is left of this buffer came in clear text.
                        continue inbox
                    case "SECURITY":
                        let security = connection.peer.security
                        let words = [security?.version, security?.serverName].compactMap { $0 }
                        try await connection.write(Array("250 \(words.joined(separator: " "))\r\n".utf8))
                    default:
                        try await connection.write(Array("echo \(text)\r\n".utf8))
                    }
                }
            case .note(let note):
                try await connection.write(Array("note \(note)\r\n".utf8))
            case .endOfOctets:
                return
            case .shutdown:
                try await connection.write(Array("421 stopping\r\n".utf8))
                return
            }
        }
    }

    /// A channel that serves this session.
    static func channel(
        _ security: MailChannel<Note>.Security = .none,
        deadlines: SocketDeadlines = SocketDeadlines(),
        isProxy: @escaping @Sendable (_ address: String) -> Bool = { _ in false },
        slowness: Duration? = nil
    ) -> MailChannel<Note> {
        MailChannel(security: security, deadlines: deadlines, isProxy: isProxy) { connection in
            try await EchoSession(slowness: slowness).run(connection)
        }
    }
}

extension SocketConnection {
    /// Throws away what the peer sends, and returns when it sends nothing more.
    mutating func drain() async throws {
        while let inbound = try await self.next() {
            if case .endOfOctets = inbound { return }
        }
    }
}
