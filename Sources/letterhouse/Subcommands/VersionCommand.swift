// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `letterhouse version`: which release this is.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Say which version this is.")

    @Flag(help: "Write JSON, for programs.") var json = false

    func run() throws {
        let console = Console(isJSON: self.json, send: Terminal().show)
        try console.report(ProgramVersion.text, ["version": ProgramVersion.number])
    }
}
