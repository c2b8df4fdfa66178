// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import MailStorage

/// `imap/`: opening a connection, sending to it, receiving from it, closing it.
struct IMAPBridge: Sendable {
    /// IMAP responses up to so many octets are not cut.
    private static let unitLimit = 64 * 1024

    let service: BridgeService

    /// `GET` or `POST imap/`: opens a connection; the response is its ID.
    ///
    /// A body is sent to it at once.
    func open(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let (client, principal) = try await self.service.caller(request, context)
        let target = try self.service.target(context)
        if request.method == .get, WebSocketHandshake.isAsked(request.headers) {
            let lock = SessionLock(principal: principal, target: target?.name)
            return try await self.openSocket(request, context) {
                try await self.open(client, lock, principal, target?.target).session
            }
        }
        let fields = try BridgeFields(request.headers)
        // There is nothing else that a key could be before the connection is there.
        guard fields.key == nil || fields.key == "new", fields.number == nil else { throw HTTPRefusal.badField }
        let body = try await self.body(of: request, from: client)
        var isSent = false
        defer { if let body, !isSent { self.service.bodies.release(body.count, of: body.owner) } }
        let key = try fields.key.map { _ in try SessionLock.randomKey() }
        let lock = SessionLock(key: key, principal: principal, target: target?.name)
        let (id, session) = try await self.open(client, lock, principal, target?.target)
        if let body {
            isSent = true
            try session.send(body, isRaw: fields.isRaw)
        }
        var announced = self.service.options.announcements
        if let key { announced[.bridgeKey] = key }
        return Response(status: .ok, fields: announced, text: id.text)
    }

    /// Opens a connection, here or elsewhere.
    private func open(
        _ client: HTTPClient,
        _ lock: SessionLock,
        _ principal: AccountID?,
        _ target: RemoteTarget?
    ) async throws -> (id: ConnectionID, session: BridgedSession) {
        guard let target else { return try self.service.open(client, lock: lock) }
        guard let connect = target.imap, let principal else { throw HTTPRefusal.notFound }
        return try await self.service.open(client, lock: lock, principal: principal, to: connect)
    }

    /// `POST imap/ID/CHARSET` with a body: sends it; without one, or with `GET`: receives; with `?close=1`: closes.
    func exchange(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let (client, principal) = try await self.service.caller(request, context)
        let charset = try CharsetName.parameter(of: context)
        let fields = try BridgeFields(request.headers)
        let session = try self.session(context, client, principal, fields)
        session.beginRequest()
        var isInProgress = false
        defer { if !isInProgress { session.endRequest() } }
        let body = try await self.body(of: request, from: client)
        if request.method == .post, request.uri.queryParameters["close"] == "1" {
            if let body {
                self.service.bodies.release(body.count, of: body.owner)
                throw HTTPRefusal.badBody
            }
            try session.close()
            return Response(status: .noContent)
        }
        if let body {
            if let number = fields.number {
                try await session.send(body, isRaw: fields.isRaw, number: number)
            } else {
                try session.send(body, isRaw: fields.isRaw)
            }
            return .empty
        }
        if request.method == .get, WebSocketHandshake.isAsked(request.headers) {
            return try self.takeOver(request, context, session, acknowledged: fields.acknowledged)
        }
        // A request that is refused takes nobody's place.
        if let place = fields.acknowledged, !session.keeps(place) { throw HTTPRefusal.ackWindow }
        session.takeOverSocket()
        let rules = OutputWindow.Rules(
            limit: fields.limit,
            isUTF8: charset.isUTF8,
            unitLimit: session.hasUnits ? Self.unitLimit : 0
        )
        let demand = BridgedSession.Demand(rules: rules, wait: fields.wait, acknowledged: fields.acknowledged)
        let exchange = context.exchange
        switch try await session.receive(demand, exchange: exchange) {
        case .octets(let loan):
            // Until its response was written.
            isInProgress = true
            exchange.onCompletion { isWritten in
                session.settle(loan, isDelivered: isWritten)
                session.endRequest()
            }
            var response = Response(octets: loan.octets, type: charset.contentType)
            response.headers[.bridgeOffset] = loan.places
            return response
        case .nothing, .superseded: return Response(octets: [], type: charset.contentType)
        case .notKept: throw HTTPRefusal.ackWindow
        case .closed: throw HTTPRefusal.closed
        }
    }

    /// `DELETE imap/ID`: closes a connection.
    func close(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let (client, principal) = try await self.service.caller(request, context)
        _ = try CharsetName.parameter(of: context)
        let session = try self.session(context, client, principal, BridgeFields(request.headers))
        try await self.service.expectNoBody(of: request, from: client)
        try session.close()
        return Response(status: .noContent)
    }

    /// The connection whose ID is in the path.
    private func session(
        _ context: HTTPContext,
        _ client: HTTPClient,
        _ principal: AccountID?,
        _ fields: BridgeFields
    ) throws -> BridgedSession {
        let bits = self.service.options.idBits
        guard let id = context.parameters.get("id").flatMap({ ConnectionID($0, bits: bits) }) else {
            throw HTTPRefusal.badID
        }
        let caller = SessionLock.Caller(
            address: client.address.countingKey,
            key: fields.key,
            principal: principal,
            target: try self.service.target(context)?.name
        )
        return try self.service.table.session(id, for: caller, at: self.service.time.now())
    }

    /// The body of a request; nil if it is empty.
    private func body(of request: Request, from client: HTTPClient) async throws -> Body? {
        guard request.method == .post else {
            // What it would say means nothing (RFC 9110 §9.3.1).
            try await self.service.expectNoBody(of: request, from: client)
            return nil
        }
        let body = try await self.service.body(of: request, from: client, limit: self.service.options.bodyLimit)
        return body.isEmpty ? nil : body
    }
}

extension HTTPServerOptions {
    /// What a client is told about the bridge when it opens a connection, or asks.
    var announcements: HTTPFields {
        [
            .bridgeVersion: "1",
            .bridgePollTimeout: String(self.pollTimeout.components.seconds),
            .bridgeUnusedTimeout: String(self.unusedTimeout.components.seconds),
            .bridgeMaxSend: String(self.bodyLimit),
            .bridgeFeatures: "seq ack close ws wait units idempotency",
        ]
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
