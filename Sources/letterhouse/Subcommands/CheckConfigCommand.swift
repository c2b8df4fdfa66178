// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Shows the settings, or what is wrong with them: `letterhouse check-config`.
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Show the settings that are in effect, or everything that is wrong with them.",
        discussion: """
            Every setting is shown in the form of the settings file, with where it is from: nothing (the default), a \
            line of the file, or a variable of the environment. Passwords are in files of their own and not shown. \
            Ends with 78 if something is wrong.
            """
    )

    @Option(help: ArgumentHelp("The settings file (default: \(Settings.standardFile)).", valueName: "file"))
    var config: String?

    @Flag(help: "Write JSON, for programs.")
    var json = false

    func run() throws {
        let (_, entries) = try Settings.read(
            path: self.config,
            environment: ProcessEnvironment.variables,
            checksFiles: true
        )
        let console = Console(isJSON: self.json, send: Terminal().show)
        let records = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
        try console.write(records) { SettingsText(entries: entries).text }
    }
}

extension SettingsReader.Entry.Value: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .list(let list): try container.encode(list)
        }
    }
}

/// Settings as they would stand in the file.
struct SettingsText {
    let entries: [SettingsReader.Entry]

    /// YAML, without a line end behind the last line.
    var text: String {
        var lines: [String] = []
        var open: [Substring] = []
        for entry in self.entries {
            let path = entry.key.split(separator: ".")
            let sections = path.dropLast()
            let common = zip(open, sections).prefix { $0 == $1 }.count
            for depth in common..<sections.count {
                lines.append("\(Self.indentation(depth))\(sections[depth]):")
            }
            open = Array(sections)
            lines.append(
                "\(Self.indentation(sections.count))\(path.last ?? ""):\(Self.value(entry))\(Self.origin(entry))"
            )
        }
        return lines.joined(separator: "\n")
    }

    private static func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private static func value(_ entry: SettingsReader.Entry) -> String {
        switch entry.value {
        case nil: ""
        case .text(let text): " \(self.scalar(text))"
        case .list(let list): " [\(list.map(self.scalar).joined(separator: ", "))]"
        }
    }

    private static func origin(_ entry: SettingsReader.Entry) -> String {
        switch entry.origin {
        case .standard: ""
        case .file(let line): "  # line \(line)"
        case .environment(let variable): "  # \(variable)"
        }
    }

    /// Plain where YAML takes it as it is, else in double quotation marks.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.first.map { !"-:@".utf8.contains($0) } == true
            && text.utf8.allSatisfy { octet in
                switch octet {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-._/@:+".utf8.contains(octet)
                }
            } && !text.hasSuffix(":") && !["null", "~"].contains(text)
        if isPlain { return text }
        return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").printable)\""
    }
}
