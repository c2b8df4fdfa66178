// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// `smtp/`: a whole SMTP session in one request.
struct SMTPBridge: Sendable {
    let service: BridgeService

    /// `POST smtp/charset`: sends the batch and returns the replies, whatever they say.
    func send(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let (client, principal) = try await self.service.caller(request, context)
        let target = try self.service.target(context)
        guard target == nil || target?.target.smtp != nil else { throw HTTPRefusal.notFound }
        let connect = target?.target.smtp
        let charset = try CharsetName.parameter(of: context)
        let skipsRecipients = try Self.skipsRecipients(request.headers)
        guard !self.service.isStopping else { throw HTTPRefusal.shuttingDown }
        let body = try await self.service.body(of: request, from: client, limit: self.service.options.bodyLimit)
        // The body itself is not needed any more when the batch is made of it, and may be large.
        let (count, owner) = (body.count, body.owner)
        defer { self.service.bodies.release(count, of: owner) }
        let octets = body.octets
        let key = try BatchKey(request.headers, body: octets, target: target?.name)
        let batch = try SMTPBatch(octets)
        guard let key else {
            let outcome = try await self.service.play(
                batch,
                skipsRecipients: skipsRecipients,
                for: client,
                at: connect
            )
            return Self.response(outcome, charset)
        }
        let (outcome, isReplayed) = try await self.service.play(
            batch,
            key,
            skipsRecipients: skipsRecipients,
            for: client,
            at: connect,
            principal: principal
        )
        var response = Self.response(outcome, charset)
        if isReplayed { response.headers[.idempotentReplay] = "1" }
        return response
    }

    /// `Bridge-Smtp: skip-rcpt`.
    private static func skipsRecipients(_ fields: HTTPFields) throws(HTTPRefusal) -> Bool {
        let values = fields[values: .bridgeSMTP]
        guard values.isEmpty || values == ["skip-rcpt"] else { throw .badField }
        return !values.isEmpty
    }

    private static func response(_ outcome: SMTPOutcome, _ charset: CharsetName) -> Response {
        var response = Response(octets: outcome.replies, type: charset.contentType)
        if let code = outcome.lastCode { response.headers[.bridgeSMTPLast] = String(code) }
        response.headers[.bridgeSMTPDone] = "\(outcome.doneCount)/\(outcome.unitCount)"
        if let failure = outcome.failure { response.headers[.bridgeSMTPError] = failure.rawValue }
        return response
    }
}
