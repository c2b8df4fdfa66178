// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection

/// `imap/`: opening a connection, sending to it, receiving from it.
struct IMAPBridge: Sendable {
    let service: BridgeService

    /// `GET` or `POST imap/`: opens a connection; the response is its ID.
    func open(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let client = try context.secureClient()
        let body = try await Body.read(request, limit: 0, budget: self.service.bodies)
        guard body.isEmpty else { throw HTTPRefusal.badBody }
        let id = try self.service.open(client)
        let options = self.service.options
        return Response(
            status: .ok,
            fields: [
                .bridgeVersion: "1",
                .bridgePollTimeout: String(options.pollTimeout.components.seconds),
                .bridgeUnusedTimeout: String(options.unusedTimeout.components.seconds),
                .bridgeMaxSend: String(options.bodyLimit),
            ],
            text: id.text
        )
    }

    /// `POST imap/ID/charset` with a body: sends it; without one, or with `GET`: receives.
    func exchange(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let client = try context.secureClient()
        let charset = try CharsetName.parameter(of: context)
        guard let id = context.parameters.get("id").flatMap({ ConnectionID($0) }) else { throw HTTPRefusal.badID }
        let session = try self.service.table.session(id, for: client.address.countingKey, at: self.service.time.now())
        session.beginRequest()
        let response: Response
        do {
            let limit = request.method == .get ? 0 : self.service.options.bodyLimit
            let body = try await Body.read(request, limit: limit, budget: self.service.bodies)
            if body.isEmpty { return try await self.receive(from: session, as: charset, context.exchange) }
            try session.send(body)
            response = .empty
        } catch {
            session.endRequest()
            // What a GET says in its body means nothing (RFC 9110 §9.3.1), so there should be none.
            throw request.method == .get && error as? HTTPRefusal == .tooBig ? HTTPRefusal.badBody : error
        }
        session.endRequest()
        return response
    }

    /// Waits for data; the request is in progress until its response was written.
    private func receive(
        from session: BridgedSession,
        as charset: CharsetName,
        _ exchange: Exchange
    ) async throws -> Response {
        switch await session.receive(isUTF8: charset.isUTF8, exchange: exchange) {
        case .octets(let octets):
            exchange.onCompletion { isWritten in
                session.settle(isDelivered: isWritten)
                session.endRequest()
            }
            return Response(octets: octets, type: charset.contentType)
        case .nothing:
            session.endRequest()
            return Response(octets: [], type: charset.contentType)
        case .closed:
            throw HTTPRefusal.closed
        }
    }
}

extension CharsetName {
    /// The character set in a request's path, if there is one.
    static func parameter(of context: HTTPContext) throws(HTTPRefusal) -> CharsetName {
        guard let name = context.parameters.get("charset") else { return .none }
        guard let charset = CharsetName(name) else { throw .badCharset }
        return charset
    }
}
