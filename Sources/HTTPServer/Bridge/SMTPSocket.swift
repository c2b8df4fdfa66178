// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import MailConnection
import SMTPServer
import ServiceLifecycle

/// A bridged SMTP connection through a WebSocket: octets both ways, as on a socket of the submission service.
extension SMTPBridge {
    static let subprotocol = "smtp-bridge.v1"

    /// What may wait for the session.
    private static let inputLimit = 256 * 1024

    /// `GET smtp/` with an upgrade.
    func openSocket(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let client = try await self.service.caller(request, context).client
        try await self.service.expectNoBody(of: request, from: client)
        guard WebSocketHandshake.isAsked(request.headers) else {
            throw HTTPRefusal.methodNotAllowed([.post, .options])
        }
        // Elsewhere only batches are sent.
        guard try self.service.target(context) == nil else { throw HTTPRefusal.methodNotAllowed([.post, .options]) }
        let agreed = try WebSocketHandshake.response(to: request.headers, subprotocol: Self.subprotocol)
        let place = try self.service.beginSMTP(client)
        context.exchange.onCompletion { _ in self.service.endSMTP(place) }
        context.exchange.onUpgrade { socket in await self.run(socket, client, place) }
        return Response(status: .switchingProtocols, headers: agreed)
    }

    private func run(_ socket: WebSocket, _ client: HTTPClient, _ place: ConnectionID) async {
        let input = PipeInput<SMTPNote>(limit: Self.inputLimit)
        let service = self.service
        let pump = SocketPump(socket: socket, time: service.time)
        await withGracefulShutdownHandler {
            await pump.run { octets in
                await input.send(octets)
                return nil
            } give: {
                let (server, pipe) = PipeConnection<SMTPNote>.make(peer: client.peer) { octets in
                    try await socket.send(octets)
                }
                input.connect(pipe)
                await withTaskCancellationHandler {
                    await service.serveSMTP(CountedConnection(server) { input.taken($0) }, place)
                } onCancel: {
                    input.end()
                }
                input.end()
                return .status(service.isStopping ? .goingAway : .normal)
            }
        } onGracefulShutdown: {
            input.shutDown()
        }
    }
}
