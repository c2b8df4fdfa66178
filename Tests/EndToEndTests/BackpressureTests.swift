// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// Clients that ask for much and take little.
    @Suite("Slow readers", .serialized) struct BackpressureTests {
        private static let clients = 20
        private static let messages = 20
        private static let size = 1 << 20

        @Test(
            "Twenty clients that ask for gigabytes and read nothing do not fill memory",
            arguments: ["imap", "imaps"]
        )
        func nothingIsRead(_ service: String) async throws {
            let appliance = try await TestAppliance()
            try await appliance.start()
            let wire = try appliance.imap()
            let line = String(repeating: "x", count: 998) + "\r\n"
            let message = "Subject: large\r\n\r\n" + String(repeating: line, count: Self.size / line.utf8.count)
            try wire.line("a OK", sending: "a APPEND INBOX {\(message.utf8.count)+}\r\n\(message)\r\n")
            try wire.line("b OK", sending: "b SELECT INBOX\r\n")
            for number in 1..<Self.messages { try wire.line("c\(number) OK", sending: "c\(number) COPY 1 INBOX\r\n") }
            let before = try appliance.memory

            let script = TestAppliance.checkout + "/Tests/EndToEndTests/Support/slow_readers.py"
            let log = appliance.folder + "/slow"
            let readers = try Background(
                "/usr/bin/python3",
                [
                    script, "\(appliance.port(service))", service, "\(Self.clients)", TestAppliance.address,
                    TestAppliance.password,
                ],
                log: log
            )
            try await eventually("each client has the beginning of its answer") {
                guard readers.isRunning else { throw Program.Failed(description: readers.output) }
                return readers.output.contains("all have asked")
            }
            // Whoever reads is served meanwhile; and it takes the program longer than it would to fill its memory.
            for round in 1...5 {
                try wire.send("d\(round) FETCH \(round) (UID BODY.PEEK[])\r\n")
                #expect(try wire.line("* \(round) FETCH").hasSuffix("{\(message.utf8.count)}"))
                try wire.line("d\(round) OK")
            }
            let growth = try appliance.memory - before
            // What they have asked for is ten times as much.
            #expect(growth < Self.clients * (4 << 20), "\(growth >> 10) KiB for \(Self.clients) clients")

            readers.signal(SIGTERM)
            _ = try await readers.end()
            try wire.line("e OK", sending: "e NOOP\r\n")
            try await appliance.stop()
            try await appliance.verify()
        }
    }
}
