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
        try await self.service.expectNoBody(of: request, from: client)
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
        var isInProgress = false
        defer { if !isInProgress { session.endRequest() } }
        if request.method == .get {
            // What it would say means nothing (RFC 9110 §9.3.1).
            try await self.service.expectNoBody(of: request, from: client)
        } else {
            let limit = self.service.options.bodyLimit
            let body = try await self.service.body(of: request, from: client, limit: limit)
            guard body.isEmpty else {
                try session.send(body)
                return .empty
            }
        }
        let exchange = context.exchange
        switch await session.receive(isUTF8: charset.isUTF8, exchange: exchange) {
        case .octets(let octets):
            // Until its response was written.
            isInProgress = true
            exchange.onCompletion { isWritten in
                session.settle(isDelivered: isWritten)
                session.endRequest()
            }
            return Response(octets: octets, type: charset.contentType)
        case .nothing: return Response(octets: [], type: charset.contentType)
        case .closed: throw HTTPRefusal.closed
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
