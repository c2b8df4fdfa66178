// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import MailNetwork
import MailRelay
import NIOCore

/// Fetches MTA-STS policies by HTTPS (RFC 8461 §3.3).
struct PolicyFetcher: Sendable {
    let trust: TLSClientContext
    /// 443, except in tests.
    let port: Int
    let time: TimeSource

    /// §3.3 suggests a minute; a message waits meanwhile.
    private static let deadline: Duration = .seconds(20)
    /// The policy, and what stands above it.
    private static let responseLimit = 80 << 10

    /// The first address that can be reached answers.
    @Sendable func fetch(_ host: String, _ addresses: [String]) async throws -> STSFinder.FetchedPolicy {
        try await withThrowingTaskGroup(of: STSFinder.FetchedPolicy.self) { group in
            group.addTask { try await self.exchange(host, addresses) }
            group.addTask {
                try await self.time.sleep(self.time.now() + Self.deadline)
                throw NoAnswer()
            }
            defer { group.cancelAll() }
            guard let policy = try await group.next() else { throw NoAnswer() }
            return policy
        }
    }

    private func exchange(_ host: String, _ addresses: [String]) async throws -> STSFinder.FetchedPolicy {
        let request = [
            "GET /.well-known/mta-sts.txt HTTP/1.1",
            "Host: \(self.port == 443 ? host : "\(host):\(self.port)")",
            "Accept: text/plain",
            "Connection: close",
            "\r\n",
        ]
        let role = TLSClientRole(context: self.trust, serverName: host, verification: .verified(name: host))
        do {
            let answer = try await Connector().exchange(
                Array(request.joined(separator: "\r\n").utf8),
                withFirstOf: addresses,
                port: self.port,
                timeout: .seconds(5),
                security: .implicit(role),
                responseLimit: Self.responseLimit
            )
            guard let answer else { throw NoAnswer() }
            return STSFinder.FetchedPolicy(status: answer.status, contentType: answer.contentType, body: answer.body)
        } catch let error as TLSFailure where error.kind == .certificate {
            throw UntrustedPolicyHost(error.reason)
        }
    }

    private struct NoAnswer: Error, CustomStringConvertible {
        let description = "no answer in time"
    }
}
