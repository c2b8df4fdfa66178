// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import letterhouse

/// `etc/letterhouse.yaml` against the code, both ways.
@Suite("etc/letterhouse.yaml") struct SettingsTests {
    /// A setting as the file documents it.
    private struct Documented {
        var value: SettingsFile.Value.Content
        /// The comment above it.
        var comment: String
    }

    private static let path = Sources.root.appending(path: "etc/letterhouse.yaml").path

    /// What a program without a file and variables has.
    private static var standards: [SettingsReader.Entry] {
        var reader = SettingsReader(values: [:], environment: [:], file: nil)
        _ = Settings(&reader)
        return reader.entries
    }

    /// The settings of the file with their comment signs removed.
    private static func documented() throws -> [String: Documented] {
        let lines = try String(contentsOfFile: self.path, encoding: .utf8).split(
            separator: "\n",
            omittingEmptySubsequences: false
        ).map { String($0).replacing(/^( *)#(?=[a-z])/) { "\($0.1)" } }
        let values = try SettingsFile.parse(lines.joined(separator: "\n"), name: "letterhouse.yaml")
        return values.mapValues { value in
            let above = lines[..<(value.line - 1)].reversed().prefix { $0.contains(#/^ *# /#) }
            return Documented(value: value.content, comment: above.reversed().joined(separator: "\n"))
        }
    }

    @Test("Every setting is in the file, and every setting of the file exists") func completeness() throws {
        let documented = try Self.documented().filter { $0.value.value != .nothing }
        #expect(Set(documented.keys) == Set(Self.standards.map(\.key)))
    }

    @Test("The file shows the defaults", arguments: standards.map(\.key)) func standard(key: String) throws {
        let documented = try #require(try Self.documented()[key])
        let entry = try #require(Self.standards.first { $0.key == key })
        switch (entry.value, documented.value) {
        case (.text(let standard)?, .text(let shown)):
            let isSame =
                standard == shown
                || DurationText.duration(of: standard) != nil
                    && DurationText.duration(of: standard) == DurationText.duration(of: shown)
            #expect(isSame, "\(key) is \(standard), not \(shown)")
        case (.list(let standard)?, .list(let shown)): #expect(standard == shown)
        case (nil, .text): #expect(documented.comment.contains("No default"), "\(key) has no default")
        default: Issue.record("\(key) is of another kind")
        }
    }

    @Test("Every setting is explained by a sentence", arguments: standards.map(\.key))
    func explanation(key: String) throws {
        let comment = try #require(try Self.documented()[key]).comment
        #expect(comment.contains(/[A-Za-z].*\.$/), "\(key) has no sentence above it")
    }

    @Test("The file as it is delivered changes nothing") func delivered() throws {
        let (_, entries) = try Settings.read(path: Self.path, environment: [:])
        #expect(entries == Self.standards)
    }

    @Test("What check-config prints is a settings file with the same meaning") func roundTrip() throws {
        let text = """
            hostname: mail.example.org
            relay: {parallel: 3, smarthost: {host: smtp.example.org, port: 465, security: implicit}}
            http: {hosts: [a.example.org, b.example.org]}
            listen: {imap: ["[::]:1143"], http: []}
            data: "/srv/a \\"quoted\\" name"
            """
        func entries(_ text: String) throws -> [SettingsReader.Entry] {
            var reader = SettingsReader(
                values: try SettingsFile.parse(text, name: "x"),
                environment: [:],
                file: "x"
            )
            _ = Settings(&reader)
            reader.findUnknown()
            #expect(reader.faults.isEmpty)
            return reader.entries
        }
        let first = try entries(text)
        let second = try entries(SettingsText(entries: first).text)
        #expect(first.map(\.value) == second.map(\.value))
        #expect(first.first { $0.key == "data" }?.value == .text("/srv/a \"quoted\" name"))
    }
}
