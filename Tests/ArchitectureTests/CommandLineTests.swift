// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Testing

@testable import letterhouse

/// The command line against its documents, both ways.
@Suite("Command line") struct CommandLineTests {
    /// A command that does something, by the words that call it.
    struct Command: Sendable, CustomTestStringConvertible {
        let words: [String]
        let abstract: String
        let help: String
        var testDescription: String { self.words.joined(separator: " ") }
    }

    static let commands = leaves(of: Letterhouse.self, words: ["letterhouse"])

    private static func leaves(of type: any ParsableCommand.Type, words: [String]) -> [Command] {
        let configuration = type.configuration
        guard configuration.subcommands.isEmpty else {
            return configuration.subcommands.flatMap { self.leaves(of: $0, words: words + [self.name(of: $0)]) }
        }
        let help = Letterhouse.helpMessage(for: type, columns: 1000)
        return [Command(words: words, abstract: configuration.abstract, help: help)]
    }

    private static func name(of type: any ParsableCommand.Type) -> String {
        type.configuration.commandName ?? "\(type)".lowercased()
    }

    private static let articles = Sources.root.appending(path: "Sources/letterhouse/Docs.docc")

    /// The table of Commands.md: the call, without arguments, and the sentence.
    private static func documented() throws -> [String: (call: String, sentence: String)] {
        let text = try String(contentsOf: self.articles.appending(path: "Commands.md"), encoding: .utf8)
        return text.matches(of: #/(?m)^\| `(letterhouse [^`]*)` \| (.*) \|$/#).reduce(into: [:]) { commands, match in
            let words = match.1.split(separator: " ").prefix { $0.wholeMatch(of: #/[a-z-]+/#) != nil }
            commands[words.joined(separator: " ")] = (String(match.1), String(match.2))
        }
    }

    @Test("Commands.md has every command, and no other") func completeness() throws {
        #expect(Set(try Self.documented().keys) == Set(Self.commands.map { $0.words.joined(separator: " ") }))
    }

    @Test("Commands.md says of a command what its help says", arguments: commands) func sentence(
        command: Command
    ) throws {
        let documented = try #require(try Self.documented()[command.words.joined(separator: " ")])
        #expect(documented.sentence == command.abstract)
        #expect(command.abstract.hasSuffix("."))
        // Arguments in the order of the usage line, options left out.
        let usage = try #require(command.help.split(separator: "\n").first { $0.hasPrefix("USAGE: ") })
        let options = #/ \[--[^\]]*\]/#
        #expect(documented.call == usage.dropFirst("USAGE: ".count).replacing(options, with: ""))
    }

    @Test("Every argument and option is explained", arguments: commands) func explained(command: Command) {
        for line in command.help.split(separator: "\n") where line.hasPrefix("  ") && !line.contains("See '") {
            #expect(line.contains(#/^  \S.*\s{2,}[A-Z].*$/#), "\(line)")
        }
    }

    @Test("No command takes a password as an argument", arguments: commands) func passwords(command: Command) {
        #expect(!command.help.contains(#/(?i)<[^>]*password[^>]*>|--[a-z-]*password/#))
    }

    @Test(
        "Every command about the store writes JSON if asked",
        arguments: commands.filter { !["serve"].contains($0.words[1]) }
    )
    func json(command: Command) {
        #expect(command.help.contains("--json"))
    }

    @Test("Every command that a document or a message mentions exists") func mentions() throws {
        let known = Set(Self.commands.flatMap { command in command.words.indices.map { command.words[...$0] } })
        let builtIn = "help"
        let groups = Set(Self.commands.filter { $0.words.count == 3 }.map { $0.words[1] })
        for text in try Self.texts() {
            for match in text.matches(
                of: #/(?:`|: |^\s*|\/)letterhouse ((?:[a-z-]+)(?: [a-z]+)?)/#.anchorsMatchLineEndings()
            ) {
                var words = match.1.split(separator: " ").map(String.init)
                if words[0] == builtIn { continue }
                if !groups.contains(words[0]) { words = [words[0]] }
                let isKnown = known.contains((["letterhouse"] + words)[...])
                #expect(isKnown, "there is no command: letterhouse \(words.joined(separator: " "))")
            }
        }
    }

    /// Documents, and sources with messages.
    private static func texts() throws -> [String] {
        let documents = ["README.md", "CONTRIBUTING.md", "etc/letterhouse.yaml"].compactMap {
            try? String(contentsOf: Sources.root.appending(path: $0), encoding: .utf8)
        }
        let articles = try FileManager.default.contentsOfDirectory(atPath: self.articles.path).map {
            try String(contentsOf: self.articles.appending(path: $0), encoding: .utf8)
        }
        return documents + articles + (try Sources.files(of: "letterhouse").map(\.text))
    }
}
