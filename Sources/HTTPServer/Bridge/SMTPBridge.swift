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
        let body = try await Body.read(request, limit: self.service.options.bodyLimit, budget: self.service.bodies)
        defer { self.service.bodies.release(body.count) }
        let batch = try SMTPBatch(body.octets)
        let run = SMTPBatchRun(
            service: self.service.smtp,
            peer: client.peer,
            timeout: self.service.options.batchTimeout
        )
        let outcome = await run.run(batch)
        return Response(octets: outcome.replies, type: charset.contentType)
    }
}
