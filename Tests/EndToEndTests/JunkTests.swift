// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Junk filters that people teach, with the real program.
    @Suite("What people call junk", .serialized) struct JunkTests {
        @Test("Taught by moving mail with an IMAP client; then new mail goes where it belongs, and says why")
        func taught()
            async throws
        {
            let appliance = try await TestAppliance(settings: "senders: {check: false, exempt: []}")
            try await appliance.start()
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Support/junk.py").path
            let output = try await Program.succeed(
                "python3",
                [
                    script, "\(appliance.port("imap"))", "\(appliance.port("smtp"))", TestAppliance.address,
                    TestAppliance.password,
                ],
                limit: .seconds(1_200)
            )
            #expect(output == "ok\n")
            let story = try await appliance.command(["trace", "<103.True@example.net>"])
            #expect(story.contains("  junk for ann@example.org?: yes, score "), "\(story)")
            #expect(story.contains("  delivered to ann@example.org, into Junk"), "\(story)")
            // What the filter put into Junk itself is no lesson; that one message was moved out is.
            try await eventually("the correction is learnt") {
                try await appliance.command(["junk", "list"]).contains(#/ann@example\.org  55    56 /#)
            }
            #expect(try await appliance.command(["junk", "list", TestAppliance.address]).contains("yes"))
            try await appliance.command(["junk", "forget", TestAppliance.address])
            #expect(try await appliance.command(["junk", "list"]).contains("Nobody has taught anything."))
            try await appliance.stop()
            try await appliance.verify()
        }
    }
}
