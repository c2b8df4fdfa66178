// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import MailNetwork

/// Name servers that pass on no signatures (RFC 4035 §3.2.1 is not kept everywhere).
@Suite struct UnsignedUpstreamTests {
    /// A trust anchor that no server here has a key for.
    private static let anchor = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"

    private func resolver(_ server: TestNameServer, _ folder: TemporaryFolder, tolerates: Bool) throws -> DNSResolver {
        let path = folder.file("root.key")
        let file = try #require(fopen(path, "w"))
        try #require(fputs(Self.anchor, file) >= 0)
        fclose(file)
        var settings = ResolverSettings(upstream: .forwarders(["127.0.0.1@\(server.port)"]), trustAnchorFile: path)
        settings.toleratesUnsignedUpstream = tolerates
        return try DNSResolver(settings)
    }

    @Test("Names are looked up all the same, and nothing is secure; where that is not wanted, they are bogus")
    func tolerated() async throws {
        let folder = try TemporaryFolder()
        let keys = Mutex(0)
        try await TestNameServer.run { _, type in
            if type == .dnskey { keys.withLock { $0 += 1 } }
            return type == .a ? .records([[192, 0, 2, 1]]) : .records([])
        } _: { server in
            let resolver = try self.resolver(server, folder, tolerates: true)
            let answer = try await resolver.records(of: "mail.example.com", type: .a)
            #expect(answer.records == [[192, 0, 2, 1]])
            #expect(!answer.isSecure)
            // What has been found out is known from then on.
            let questions = keys.withLock { $0 }
            #expect(questions > 0)
            #expect(try await resolver.records(of: "other.example.com", type: .a).records.count == 1)
            let strict = try self.resolver(server, folder, tolerates: false)
            let error = await #expect(throws: ResolutionError.self) {
                try await strict.records(of: "mail.example.com", type: .a)
            }
            guard case .bogus = error else {
                Issue.record("expected a bogus answer, not \(String(describing: error))")
                return
            }
        }
    }

    @Test("Silence is no sign that signatures do not come through") func silence() async throws {
        let folder = try TemporaryFolder()
        try await TestNameServer.run { _, type in
            type == .a ? .records([[192, 0, 2, 1]]) : .code(2)
        } _: { server in
            let resolver = try self.resolver(server, folder, tolerates: true)
            let error = await #expect(throws: ResolutionError.self) {
                try await resolver.records(of: "mail.example.com", type: .a)
            }
            #expect(error?.isPermanent == false)
        }
    }
}
