// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

extension Connector {
    /// Sends a request of HTTP/1.1 on a connection of its own, and reads the response.
    ///
    /// `request` is the whole of it, and should say `Connection: close`. Redirections are the caller's to see. Throws what
    /// connecting throws, ``MalformedHTTP``, and ``PeerGone``. There is no deadline: cancel the task.
    package func exchange(
        _ request: [UInt8],
        with address: String,
        port: Int,
        timeout: TimeAmount,
        security: Security,
        responseLimit: Int
    ) async throws -> HTTPAnswer {
        try await self.withConnection(
            to: address,
            port: port,
            timeout: timeout,
            security: security,
            notes: Never.self
        ) { connection in
            var connection = connection
            try await connection.write(request)
            var reader = HTTPResponseReader(limit: responseLimit)
            while let inbound = try await connection.next() {
                switch inbound {
                case .octets(let octets): if let answer = try reader.append(octets) { return answer }
                case .endOfOctets: return try reader.end()
                case .shutdown: continue
                }
            }
            throw PeerGone()
        }
    }
}
