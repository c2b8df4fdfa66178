// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import IMAPServer
@testable import TestSupport

/// Nothing is in the tables that no conversation shows.
@Suite("What transcripts show") struct TranscriptCoverageTests {
    /// What opens behind a green light, and cannot be written down behind it: see `CompressTests`.
    private static let unanswered: Set = ["COMPRESS"]

    /// A command that a client sends in some transcript.
    private struct Command {
        let name: String
        /// In upper case, with what separates them left out.
        let arguments: Substring
        /// Whether a line later its tag comes with OK.
        let isCompleted: Bool

        var words: [String] {
            self.arguments.split { " ()".contains($0) }.map(String.init)
        }
    }

    private static func commands() throws -> [Command] {
        try Transcript.all(in: .module).flatMap { transcript in
            let server = transcript.lines.map { line -> Substring in
                guard case .server(_, .line, let text) = line.content else { return "" }
                return text[...]
            }
            return transcript.lines.enumerated().flatMap { index, line -> [Command] in
                guard case .client(_, .line, let text) = line.content else { return [] }
                return text.split(separator: "␍␊").compactMap { command in
                    guard let match = command.wholeMatch(of: #/(\S+) ((?i:UID )?[A-Za-z0-9]+)([^␊␃]*).*/#) else {
                        return nil
                    }
                    return Command(
                        name: match.2.uppercased(),
                        arguments: match.3.uppercased()[...],
                        isCompleted: server[index...].contains { $0.hasPrefix("\(match.1) OK ") }
                    )
                }
            }
        }
    }

    @Test("Every command, and that it succeeds") func commands() throws {
        let commands = try Self.commands()
        let shown = Set(commands.map(\.name))
        let completed = Set(commands.filter(\.isCompleted).map(\.name)).union(Self.unanswered)
        for name in ExtensionTable.commandNames {
            #expect(shown.contains(name), "no transcript has \(name)")
            #expect(completed.contains(name), "in no transcript \(name) succeeds")
        }
    }

    @Test("Every key of SEARCH") func searchKeys() throws {
        let words = try Self.commands().filter { $0.isCompleted && $0.name.hasSuffix("SEARCH") }.flatMap { command in
            // ALL is a result option too.
            Command(
                name: command.name,
                arguments: command.arguments.replacing(#/RETURN \([^)]*\)/#, with: ""),
                isCompleted: true
            ).words
        }
        for key in SearchKeyTable.byName.keys {
            #expect(words.contains(key), "no transcript searches for \(key)")
        }
    }

    @Test("Every data item of FETCH") func fetchItems() throws {
        let words = try Self.commands().filter { $0.isCompleted && $0.name.hasSuffix("FETCH") }.flatMap(\.words)
        for item in FetchItemTable.byName.keys {
            let isShown = words.contains { item.hasSuffix("[") ? $0.hasPrefix(item) : $0 == item }
            #expect(isShown, "no transcript fetches \(item)")
        }
    }
}
