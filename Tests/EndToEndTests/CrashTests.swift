// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// What was answered 250 is there, whatever happens; of what happens to the process, `Tests/Programs/kills.py` tells.
    @Suite("Nothing that was accepted is lost", .serialized) struct CrashTests {
        @Test("A full disk: 452, nothing lost, and on it goes when there is room again") func fullDisk() async throws {
            let appliance = try await TestAppliance()
            let disk = try await SmallDisk(at: appliance.folder + "/data", size: "6m")
            try await appliance.start(wrapper: disk.wrapper)
            try await appliance.swaks(data: "Subject: before\n\nhello\n")
            try await disk.run("dd if=/dev/zero of=filler bs=64k 2>/dev/null; true")
            let smtp = try Wire(port: appliance.port("smtp"))
            try smtp.line("220")
            try smtp.line("250 ", sending: "EHLO x\r\n")
            try smtp.line("354", sending: "MAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n")
            let line = String(repeating: "y", count: 900) + "\r\n"
            try smtp.send("Subject: no room\r\n\r\n\(String(repeating: line, count: 600)).\r\n")
            #expect(try smtp.line("4").hasPrefix("452"))
            let imap = try appliance.imap()
            try imap.line("* 1 EXISTS", sending: "a SELECT INBOX\r\n")
            try imap.line("a OK")
            try imap.send("b APPEND INBOX {600000+}\r\n\(String(repeating: "z", count: 600_000))\r\n")
            #expect(try imap.line("b ").hasPrefix("b NO [OVERQUOTA]"))
            try await disk.run("rm filler")
            try await appliance.swaks(data: "Subject: after\n\nhello\n")
            try imap.line("* 2 EXISTS", sending: "c NOOP\r\n")
            #expect(try await appliance.stop() == 0)
            try await appliance.verify(wrapper: disk.wrapper)
        }
    }
}

/// A file system of its own in the place of a folder, with what was there: small enough to fill.
///
/// It is mounted in a namespace, so nobody need be root, and nothing is left of it in the end.
private final class SmallDisk: Sendable {
    private let folder: String
    /// Keeps the namespace.
    private let keeper: Background
    /// Runs a program that sees the file system: put it before the program's path.
    let wrapper: [String]

    init(at folder: String, size: String) async throws {
        self.folder = folder
        let isRoot = getuid() == 0
        self.keeper = try Background(
            "/usr/bin/unshare",
            (isRoot ? [] : ["--user", "--map-root-user"]) + [
                "--mount", "/bin/sh", "-ec",
                """
                cp -a "$0" "$0.kept"
                mount -t tmpfs -o mode=0700,size="$1" tmpfs "$0"
                cp -a "$0.kept/." "$0"
                echo mounted
                exec sleep infinity
                """,
                folder, size,
            ],
            log: folder + ".log"
        )
        self.wrapper =
            ["/usr/bin/nsenter", "--target", "\(self.keeper.id)", "--mount"]
            + (isRoot ? [] : ["--user", "--preserve-credentials"])
        let keeper = self.keeper
        try await eventually("the file system is mounted") {
            guard keeper.isRunning else { throw Program.Failed(description: "cannot mount: \(keeper.output)") }
            return keeper.output.hasSuffix("mounted\n")
        }
    }

    deinit { self.keeper.signal(SIGKILL) }

    /// Runs a line of shell on the disk.
    func run(_ line: String) async throws {
        try await Program.succeed(
            self.wrapper[0],
            Array(self.wrapper.dropFirst()) + ["/bin/sh", "-c", "cd \"$0\" && \(line)", self.folder]
        )
    }
}
