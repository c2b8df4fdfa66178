// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Logging
import MailConnection
import MailNetwork
import MailRelay
import NIOCore
import SMTPSyntax

/// Posts reports to web servers that domains name for them (RFC 8460 §5.4).
///
/// The URL comes from strangers: only https is spoken, with a certificate for that name, only to addresses in the public network,
/// and no redirection is followed.
struct ReportPost: Sendable {
    private static let deadline: Duration = .seconds(60)
    private static let responseLimit = 64 << 10

    let trust: TLSClientContext
    let resolver: NetworkResolver
    let time: TimeSource

    /// False if the server cannot be reached, or does not take it.
    func post(_ file: [UInt8], of mediaType: String, to url: String) async -> Bool {
        guard let url = IntrospectionURL(url), url.isSecure else { return false }
        let request = Self.request(file, mediaType, url)
        do {
            let answer = try await withThrowingTaskGroup(of: HTTPAnswer?.self) { group in
                group.addTask { try await self.exchange(request, url) }
                group.addTask {
                    try await self.time.sleep(self.time.now() + Self.deadline)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            if let answer, (200...299).contains(answer.status) { return true }
            self.log(url, answer.map { "status \($0.status)" } ?? "no answer")
        } catch {
            self.log(url, "\(error)")
        }
        return false
    }

    private func log(_ url: IntrospectionURL, _ reason: String) {
        Logger.current.notice("Report cannot be posted", metadata: ["peer": "\(url.host)", "error": "\(reason)"])
    }

    /// The first address that can be reached gets it; looked up once, so that no other answer can come in between.
    private func exchange(_ request: [UInt8], _ url: IntrospectionURL) async throws -> HTTPAnswer? {
        var texts = [url.literal].compactMap(\.self)
        if texts.isEmpty { texts = try await self.resolver.addresses(of: url.host).addresses }
        let role = TLSClientRole(context: self.trust, serverName: url.host, verification: .verified(name: url.host))
        return try await Connector().exchange(
            request,
            withFirstOf: texts.filter(self.isAllowed),
            port: url.port,
            timeout: .seconds(10),
            security: .implicit(role),
            responseLimit: Self.responseLimit
        )
    }

    func isAllowed(_ text: String) -> Bool {
        (try? IPAddress(parsing: text))?.isGlobal ?? false
    }

    static func request(_ file: [UInt8], _ mediaType: String, _ url: IntrospectionURL) -> [UInt8] {
        let lines = [
            "POST \(url.target) HTTP/1.1",
            "Host: \(url.authority)",
            "Content-Type: \(mediaType)",
            "Content-Length: \(file.count)",
            "Connection: close",
            "",
            "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8) + file
    }
}
