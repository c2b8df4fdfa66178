// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

@testable import IMAPServer

/// What settings can keep from clients that choke on it.
@Suite("Withheld capabilities") struct WithheldCapabilitiesTests {
    private func capabilities(_ withheld: Set<String>, isLoggedIn: Bool = true) async throws -> [String] {
        let fixture = try await Fixture(clock: TestClock()) { $0.withheldCapabilities = withheld }
        var view = SessionView(service: fixture.service, peer: Peer(address: "127.0.0.1", isLoopback: true))
        if isLoggedIn { view.account = fixture.account }
        try await fixture.close()
        return ExtensionTable.capabilities(view)
    }

    @Test("whole, or without what follows the equals sign; of others nothing is missing")
    func names() async throws {
        let all = try await self.capabilities([])
        #expect(all.contains("COMPRESS=DEFLATE") && all.contains("UNAUTHENTICATE"))
        #expect(Set(all).count == all.count)
        let some = try await self.capabilities(["PREVIEW", "APPENDLIMIT", "COMPRESS=DEFLATE", "UTF8=NOTHING"])
        #expect(some == all.filter { $0 != "PREVIEW" && !$0.hasPrefix("APPENDLIMIT") && $0 != "COMPRESS=DEFLATE" })
    }

    @Test("from one account only")
    func account() async throws {
        let withheld: Set = ["PREVIEW ann@example.org", "IDLE bob@example.org", "ID ann@example.org"]
        let capabilities = try await self.capabilities(withheld)
        #expect(!capabilities.contains("PREVIEW") && !capabilities.contains("ID"))
        #expect(capabilities.contains("IDLE"))
        #expect(try await self.capabilities(withheld, isLoggedIn: false).contains("ID"))
    }

    @Test("the defaults keep back what few should have")
    func defaults() {
        #expect(IMAPService.Options().withheldCapabilities == ["COMPRESS=DEFLATE", "UNAUTHENTICATE"])
    }
}
