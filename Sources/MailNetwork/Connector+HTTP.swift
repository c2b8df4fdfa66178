// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

extension Connector {
    /// As ``exchange(_:with:port:timeout:security:responseLimit:)``, with the first of a server's addresses that can be reached,
    /// of four at most.
    ///
    /// - Returns: nil if there is no address.
    /// - Throws: ``NoConnection`` of the last address if none can be reached, and what else the other throws.
    package func exchange(
        _ request: [UInt8],
        withFirstOf addresses: some Collection<String>,
        port: Int,
        timeout: TimeAmount,
        security: Security,
        responseLimit: Int
    ) async throws -> HTTPAnswer? {
        var failure: NoConnection?
        for address in addresses.prefix(4) {
            do {
                return try await self.exchange(
                    request,
                    with: address,
                    port: port,
                    timeout: timeout,
                    security: security,
                    responseLimit: responseLimit
                )
            } catch let error as NoConnection {
                failure = error
            }
        }
        if let failure { throw failure }
        return nil
    }

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
            var reader = HTTPAnswerReader(limit: responseLimit)
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
