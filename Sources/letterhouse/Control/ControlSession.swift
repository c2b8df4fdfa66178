// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailConnection
import SQLiteStorage

/// What a running command tells its session.
enum ControlNote: Sendable {
    case event(Console.Event)
    case finished(OperatorError?)
}

/// One command of an operator, over the control socket: a request, replies, the end.
struct ControlSession<Transport: Connection<ControlNote>> {
    var connection: Transport
    let store: SQLiteStore
    /// What there is to see besides the store.
    var server = RunningServer()
    /// Called with each command before it runs, for what it touches besides the store.
    var willRun: @Sendable (any StoreCommand) -> Void = { _ in }

    /// Serves one request; returns when it is answered or the operator has gone.
    mutating func run() async throws {
        guard let line = try await self.requestLine() else { return }
        let post = self.connection.post
        let (store, server, willRun) = (self.store, self.server, self.willRun)
        try await withThrowingTaskGroup { group in
            group.addTask {
                do {
                    let request = try JSONLine.decode(ControlRequest.self, from: line)
                    try await request.run(on: store, in: server, willRun: willRun) { post(.event($0)) }
                    post(.finished(nil))
                } catch {
                    post(.finished(OperatorError(error)))
                }
            }
            // An operator who has gone does not want it any more.
            defer { group.cancelAll() }
            try await self.tell()
        }
    }

    /// The request without its line end; nil if none comes, or one that is too long.
    private mutating func requestLine() async throws -> [UInt8]? {
        var line: [UInt8] = []
        while line.count <= ControlRequest.lengthLimit {
            guard case .octets(let octets) = try await self.connection.next() else { return nil }
            guard let end = octets.firstIndex(of: UInt8(ascii: "\n")) else {
                line += octets
                continue
            }
            return line + octets[..<end]
        }
        return nil
    }

    /// Passes on what the command says, until it has finished.
    private mutating func tell() async throws {
        while let inbound = try await self.connection.next() {
            switch inbound {
            case .note(.event(let event)):
                try await self.connection.write(try JSONLine.encode(ControlReply.event(event)))
            case .note(.finished(let error)):
                try await self.end(error)
                return
            case .shutdown:
                try await self.end(OperatorError("the server is stopping; try again", .tryAgain))
                return
            case .octets, .endOfOctets:
                continue
            }
        }
    }

    private func end(_ error: OperatorError?) async throws {
        let reply = ControlReply(error: error?.text, exit: (error?.status ?? .success).rawValue)
        try await self.connection.write(try JSONLine.encode(reply))
    }

}

extension ControlRequest {
    /// Runs the command as the command-line program would.
    fileprivate func run(
        on store: SQLiteStore,
        in server: RunningServer,
        willRun: (any StoreCommand) -> Void,
        send: @escaping @Sendable (Console.Event) -> Void
    ) async throws {
        let parsed: any ParsableCommand
        do {
            parsed = try Letterhouse.parseAsRoot(self.arguments)
        } catch {
            // The command-line program understood it: it is of another version than the server.
            throw OperatorError(
                "the server does not know this command; is it an older version that still runs?",
                .unavailable
            )
        }
        guard let command = parsed as? any StoreCommand else {
            throw OperatorError("this command is not for the server", .usage)
        }
        willRun(command)
        let console = Console(isJSON: command.common.json, send: send)
        if let command = command as? any ServerCommand { return try await command.run(in: server, console: console) }
        try await command.run(on: store, verifier: self.verifier, console: console)
    }
}
