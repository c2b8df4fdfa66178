// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// `smtp/`: a whole SMTP session in one request.
struct SMTPBridge: Sendable {
    let service: BridgeService

    /// `POST smtp/charset`: sends the batch and returns the replies, whatever they say.
    func send(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let client = try context.secureClient()
        let charset = try CharsetName.parameter(of: context)
        guard !self.service.isStopping else { throw HTTPRefusal.shuttingDown }
        let body = try await self.service.body(of: request, from: client, limit: self.service.options.bodyLimit)
        // The body itself is not needed any more when the batch is made of it, and may be large.
        let (count, owner) = (body.count, body.owner)
        defer { self.service.bodies.release(count, of: owner) }
        let outcome = try await self.service.play(try SMTPBatch(body.octets), for: client)
        return Response(octets: outcome.replies, type: charset.contentType)
    }
}
