// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Lists in DNS, and greylisting, with the real program.
    @Suite("What keeps junk out", .serialized) struct FilteringTests {
        private static func folder() -> String {
            FileManager.default.temporaryDirectory.appending(path: "letterhouse-filters-\(UUID().uuidString)").path
        }

        /// What swaks sees when a client with that address brings a message.
        private static func bring(
            to recipient: String = TestAppliance.address,
            from address: String,
            _ appliance: TestAppliance
        ) async throws -> String {
            try await Program.run(
                "swaks",
                [
                    "--server", "127.0.0.1:\(appliance.port("smtp"))", "--xclient", "ADDR=\(address)", "--helo",
                    "client.example.net", "--from", "friend@example.net", "--to", recipient,
                ]
            ).output
        }

        @Test("Who is on a block list is refused with its words, who is on an allow list is not") func lists()
            async throws
        {
            let folder = Self.folder()
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let names = try await NameServer(
                in: folder,
                zones: [
                    "bad.example": """
                    2.0.0.127 A 127.0.0.2
                    7.2.0.192 A 127.0.0.4
                    7.2.0.192 TXT "See https://bad.example/" "?192.0.2.7"
                    8.2.0.192 A 127.0.0.2
                    8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.2
                    """,
                    "good.example": """
                    2.0.0.127 A 127.0.0.2
                    8.2.0.192 A 127.0.3.2
                    """,
                    "gone.example": "* A 127.0.0.2",
                ]
            )
            let appliance = try await TestAppliance(
                settings: """
                    senders: {check: false}
                    listen: {xclient: [127.0.0.1]}
                    filters:
                      block-lists: [gone.example, bad.example 127.0.0.2 127.0.0.4-7]
                      allow-lists: [good.example 127.0.0-255.1-3]
                    relay: {resolver: 127.0.0.1@\(names.port)}
                    """
            )
            try await appliance.start()
            #expect(
                try await Self.bring(from: "192.0.2.7", appliance).contains(
                    "550 5.7.1 192.0.2.7 is listed at bad.example: See https://bad.example/?192.0.2.7"
                )
            )
            #expect(
                try await Self.bring(from: "IPv6:2001:db8::8", appliance).contains(
                    "550 5.7.1 2001:db8::8 is listed at bad.example"
                )
            )
            let postmaster = try await Self.bring(to: "postmaster@example.org", from: "192.0.2.7", appliance)
            #expect(!postmaster.contains("is listed at"))
            #expect(try await Self.bring(from: "192.0.2.8", appliance).contains("250 2.0.0 Accepted"))
            #expect(try await Self.bring(from: "192.0.2.9", appliance).contains("250 2.0.0 Accepted"))
            try await appliance.stop()
            let complaints = appliance.log.split(separator: "\n").filter { $0.contains("lists everything") }
            // Once for each family.
            #expect(complaints.count == 2 && complaints.allSatisfy { $0.contains("gone.example") }, "\(appliance.log)")
            withExtendedLifetime(names) {}
        }

        @Test("Who comes again is let in, also after a restart") func greylist() async throws {
            let appliance = try await TestAppliance(
                settings: """
                    senders: {check: false}
                    listen: {xclient: [127.0.0.1]}
                    filters: {greylist: true, greylist-delay: 1s}
                    """
            )
            try await appliance.start()
            #expect(try await Self.bring(from: "192.0.2.7", appliance).contains("451 4.7.1 Greylisted"))
            // This machine itself is exempt.
            try await appliance.swaks()
            try await appliance.stop()
            try await appliance.start()
            // What was remembered outlives the process.
            try await eventually("a second has passed") {
                try await Self.bring(from: "192.0.2.8", appliance).contains("250 2.0.0 Accepted")
            }
            #expect(try await Self.bring(from: "198.51.100.7", appliance).contains("451 4.7.1 Greylisted"))
            try await appliance.stop()
            try await appliance.verify()
        }
    }
}
