// SPDX-License-Identifier: Apache-2.0

/// A program in a terminal of 30 lines and 100 columns.
struct Terminal {
    private let tmux: [String]

    /// Runs `line` in a terminal while `body` runs; it and its terminal are gone afterwards.
    ///
    /// `folder`: an empty home folder.
    static func run(_ line: String, in folder: String, _ body: (Terminal) async throws -> Void) async throws {
        let terminal = Terminal(tmux: ["-S", folder + "/tmux", "-f", "/dev/null"])
        // Its server stays behind and must not hold our end of a pipe.
        try await Program.succeed(
            "sh",
            ["-c", "exec tmux \"$@\" >/dev/null 2>&1", "sh"] + terminal.tmux + [
                "new-session", "-d", "-x100", "-y30", line,
            ],
            environment: ["HOME": folder, "TERM": "xterm", "LANG": "C.UTF-8"]
        )
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(terminal)) } catch { outcome = .failure(error) }
        _ = try await Program.run("tmux", terminal.tmux + ["kill-server"])
        try outcome.get()
    }

    /// Waits until `text` can be read.
    func shows(_ text: String) async throws {
        try await eventually("the terminal shows \(text)") { try await self.screen.contains(text) }
    }

    /// What can be read now.
    var screen: String {
        get async throws { try await Program.succeed("tmux", self.tmux + ["capture-pane", "-p"]) }
    }

    /// Types keys by tmux's names, or text.
    func type(_ keys: String...) async throws { try await Program.succeed("tmux", self.tmux + ["send-keys"] + keys) }
}
