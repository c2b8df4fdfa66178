// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// What programs ask that watch this one.
struct Monitoring: Sendable {
    let service: BridgeService
    let metrics: @Sendable () -> String

    /// `GET /health`: whether to send clients here.
    func health(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let isStopping = self.service.isStopping
        let json = isStopping ? #"{"status":"stopping"}"# : #"{"status":"ok"}"#
        return Response(
            status: isStopping ? .serviceUnavailable : .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: json + "\n"))
        )
    }

    /// `GET /metrics`: all meters in the text format of Prometheus, for those who may read them.
    ///
    /// To others it does not exist.
    func metrics(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let client = try context.knownClient()
        guard client.isLocal || self.service.options.metricsReaders.contains(client.address) else {
            throw HTTPRefusal.notFound
        }
        return Response(octets: Array(self.metrics().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
