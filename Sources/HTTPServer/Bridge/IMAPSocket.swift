// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection

/// A bridged IMAP connection through a WebSocket: octets both ways, as on a socket.
extension IMAPBridge {
    static let subprotocol = "imap-bridge.v1"

    /// What one frame has at most.
    private static let frameLimit = 64 * 1024

    /// `GET imap/` with an upgrade: a new connection, which ends with the WebSocket.
    func openSocket(
        _ request: Request,
        _ context: HTTPContext,
        _ open: () async throws -> BridgedSession
    ) async throws -> Response {
        try await self.service.expectNoBody(of: request, from: try context.knownClient())
        let agreed = try WebSocketHandshake.response(to: request.headers, subprotocol: Self.subprotocol)
        return self.upgrade(context, agreed, try await open(), isOwner: true)
    }

    /// `GET imap/ID` with an upgrade: takes over a connection, which others can take over again.
    func takeOver(
        _ request: Request,
        _ context: HTTPContext,
        _ session: BridgedSession,
        acknowledged: UInt64?
    ) throws -> Response {
        let agreed = try WebSocketHandshake.response(to: request.headers, subprotocol: Self.subprotocol)
        if let place = acknowledged, !session.keeps(place) { throw HTTPRefusal.ackWindow }
        return self.upgrade(context, agreed, session, isOwner: false, acknowledged: acknowledged)
    }

    private func upgrade(
        _ context: HTTPContext,
        _ agreed: HTTPFields,
        _ session: BridgedSession,
        isOwner: Bool,
        acknowledged: UInt64? = nil
    ) -> Response {
        session.beginRequest()
        context.exchange.onCompletion { _ in
            session.endRequest()
            // Nobody else knows the ID.
            if isOwner { try? session.close() }
        }
        let service = self.service
        context.exchange.onUpgrade { socket in await Self.run(socket, session, service, acknowledged: acknowledged) }
        return Response(status: .switchingProtocols, headers: agreed)
    }

    private static func run(
        _ socket: WebSocket,
        _ session: BridgedSession,
        _ service: BridgeService,
        acknowledged: UInt64?
    ) async {
        let (takeovers, feed) = AsyncStream.makeStream(of: Void.self)
        let number = session.attachSocket { feed.finish() }
        defer { session.detachSocket(number) }
        let pump = SocketPump(socket: socket, time: service.time)
        await pump.run { octets in
            await Self.send(octets, session)
        } give: {
            await Self.receive(socket, session, as: number, acknowledged: acknowledged)
        } interrupt: {
            // A write that hangs ends with the WebSocket.
            for await _ in takeovers {}
            return Task.isCancelled ? .gone : .status(.takenOver)
        }
    }

    /// Sends what the client has sent, when there is room for it.
    private static func send(_ octets: [UInt8], _ session: BridgedSession) async -> SocketPump.Ending? {
        var body = Body(owner: session.owner)
        body.append(octets)
        while !Task.isCancelled {
            guard session.bodies.reserve(body.count, of: body.count, for: body.owner) else {
                return .status(.tryAgainLater)
            }
            do {
                try session.send(body, isRaw: true)
                return nil
            } catch .busy {
                await session.waitForInputRoom()
            } catch {
                // It has ended; the last of what it said is on its way.
                return nil
            }
        }
        return .gone
    }

    /// Gives the client what the session says, from the octet on that it names.
    private static func receive(
        _ socket: WebSocket,
        _ session: BridgedSession,
        as number: Int,
        acknowledged: UInt64?
    ) async -> SocketPump.Ending {
        let rules = OutputWindow.Rules(limit: Self.frameLimit)
        var demand = BridgedSession.Demand(rules: rules, acknowledged: acknowledged, socket: number)
        while !Task.isCancelled {
            guard let received = try? await session.receive(demand, exchange: Exchange()) else { return .gone }
            demand.acknowledged = nil
            switch received {
            case .octets(let loan):
                let isDelivered = (try? await socket.send(loan.octets)) != nil
                session.settle(loan, isDelivered: isDelivered)
                if !isDelivered { return .gone }
            case .nothing: continue
            case .notKept: return .gone
            case .superseded: return .status(.takenOver)
            case .closed: return .status(session.isStopping ? .goingAway : .normal)
            }
        }
        return .gone
    }
}
