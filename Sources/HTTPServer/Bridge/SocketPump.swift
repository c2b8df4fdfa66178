// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

/// Carries octets between a WebSocket and a bridged connection until one of them ends.
struct SocketPump: Sendable {
    /// How a WebSocket ends.
    enum Ending: Sendable, Equatable {
        /// We say why.
        case status(WebSocketStatus)
        /// The client has said why.
        case closed(WebSocketStatus)
        /// The client is gone, or does not answer.
        case gone
    }

    /// How often a silent client is asked whether it is there, and how long it may say nothing at all.
    private static let pingInterval: Duration = .seconds(30)
    private static let silenceLimit: Duration = .seconds(90)

    /// When the client has sent something last.
    private final class LastHeard: Sendable {
        let time: Mutex<Duration>
        init(_ time: Duration) { self.time = Mutex(time) }
    }

    let socket: WebSocket
    let time: TimeSource

    /// Carries on until the WebSocket ends.
    ///
    /// - Parameters:
    ///   - take: takes octets of the client, and returns when there is room for more; nil: go on.
    ///   - give: sends the client what there is for it, until there will be no more.
    ///   - interrupt: returns when the WebSocket is to end for another reason; nil: there is none.
    func run(
        take: @escaping @Sendable ([UInt8]) async -> Ending?,
        give: @escaping @Sendable () async -> Ending,
        interrupt: (@Sendable () async -> Ending)? = nil
    ) async {
        Metrics.socketBegan()
        defer { Metrics.socketEnded() }
        let lastHeard = LastHeard(self.time.now())
        await withTaskGroup(of: Ending.self) { group in
            group.addTask { await self.read(lastHeard, take) }
            group.addTask { await give() }
            if let interrupt { group.addTask { await interrupt() } }
            group.addTask { await self.watch(lastHeard) }
            let ending = await group.next() ?? .gone
            group.cancelAll()
            switch ending {
            case .status(let status): await self.socket.close(status)
            case .closed(let status): await self.socket.close(status, isAnswer: true)
            case .gone: self.socket.hangUp()
            }
        }
    }

    private func read(
        _ lastHeard: LastHeard,
        _ take: @Sendable ([UInt8]) async -> Ending?
    ) async -> Ending {
        for await event in self.socket.events {
            let now = self.time.now()
            lastHeard.time.withLock { $0 = now }
            switch event {
            case .frame(.octets(let octets)):
                if let ending = await take(octets) { return ending }
            case .frame(.ping(let payload)):
                guard (try? await self.socket.pong(payload)) != nil else { return .gone }
            case .frame(.pong): break
            case .frame(.close(let status)): return .closed(status)
            case .violation(let status): return .status(status)
            }
            self.socket.done(with: event)
        }
        return .gone
    }

    /// Asks a client that may be gone whether it is there.
    private func watch(_ lastHeard: LastHeard) async -> Ending {
        var deadline = self.time.now()
        while true {
            deadline += Self.pingInterval
            do { try await self.time.sleep(deadline) } catch { return .gone }
            let known = lastHeard.time.withLock { $0 }
            guard self.time.now() < known + Self.silenceLimit, (try? await self.socket.ping()) != nil else {
                return .gone
            }
        }
    }
}
