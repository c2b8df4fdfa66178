// SPDX-License-Identifier: Apache-2.0

import Testing

extension EndToEnd {
    /// Thunderbird, with a certificate, an account and a password as if they had been set up by hand.
    @Suite("Thunderbird", .serialized) struct ThunderbirdTests {
        @Test("logs in, lists, reads, flags, hears of changes, moves, deletes, searches and saves drafts")
        func tour() async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            for number in 1...4 {
                try await appliance.swaks(
                    data: """
                        From: Friend <friend@example.net>
                        Subject: no. \(number)
                        MIME-Version: 1.0
                        Content-Type: text/plain; charset=utf-8
                        Content-Transfer-Encoding: 8bit

                        räksmörgås \(number)

                        """
                )
            }
            let hidden = """
                From: Friend <friend@example.net>\r
                Subject: hidden\r
                MIME-Version: 1.0\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: base64\r
                \r
                RWluIHNtw7ZyZ8Olc2JvcmQNCg==\r

                """
            let wire = try appliance.imap()
            try wire.line("a OK", sending: "a APPEND Archive {\(hidden.utf8.count)+}\r\n\(hidden)\r\n")
            let home = appliance.folder + "/thunderbird"
            try await Program.succeed("mkdir", [home])
            let output = try await Program.succeed(
                TestAppliance.checkout + "/.build/python/bin/python",
                [
                    TestAppliance.checkout + "/Tests/EndToEndTests/Support/thunderbird_tour.py",
                    "\(appliance.port("imaps"))", appliance.certificate, TestAppliance.address, home,
                ],
                input: TestAppliance.password + "\n",
                limit: .seconds(300)
            )
            #expect(output.hasSuffix("done\n"), "\(output)")
            try await appliance.stop()
            try await appliance.verify()
        }
    }
}
