// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import Testing

@testable import letterhouse

/// RFC 8460 §5.4.
@Suite("Reports for web servers") struct ReportPostTests {
    private func post() throws -> ReportPost {
        var reader = SettingsReader(values: [:], environment: [:], file: nil)
        return ReportPost(
            trust: try TLSClientContext(trust: .system),
            resolver: try NetworkResolver(Settings(&reader).relay),
            time: TimeSource(now: { .zero }, sleep: { _ in }, setAlarm: { _, _ in Alarm {} }, unixTime: { 0 })
        )
    }

    @Test func request() throws {
        let url = try #require(IntrospectionURL("https://tls.example.net:8443/report?for=us"))
        let request = ReportPost.request([1, 2, 3], "application/tlsrpt+gzip", url)
        let head = """
            POST /report?for=us HTTP/1.1\r
            Host: tls.example.net:8443\r
            Content-Type: application/tlsrpt+gzip\r
            Content-Length: 3\r
            Connection: close\r
            \r\n
            """
        #expect(request == Array(head.utf8) + [1, 2, 3])
    }

    @Test(
        "Only to addresses in the public network",
        arguments: [
            ("192.0.2.1", false), ("127.0.0.1", false), ("10.0.0.1", false), ("169.254.169.254", false), ("::1", false),
            ("::ffff:127.0.0.1", false), ("fd00::1", false), ("8.8.8.8", true), ("x", false),
        ]
    )
    func addresses(address: String, isAllowed: Bool) throws {
        #expect(try self.post().isAllowed(address) == isAllowed)
    }

    @Test("No clear text, and nothing that is no URL", arguments: ["http://127.0.0.1/", "https://", "ftp://a/", ""])
    func noURL(url: String) async throws {
        #expect(try await self.post().post([1], of: "x/y", to: url) == false)
    }
}
