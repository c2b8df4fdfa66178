// SPDX-License-Identifier: Apache-2.0

import Glibc
import Yams

/// The settings file as keys and values, each with its line.
enum SettingsFile {
    struct Value: Sendable, Equatable {
        enum Content: Sendable, Equatable {
            case text(String)
            case list([String])
            /// A key with nothing behind it.
            case nothing
        }
        var content: Content
        var line: Int
    }

    /// Reads YAML: mappings within mappings become keys with dots between.
    ///
    /// Throws ``InvalidSettings`` with the line where it is no YAML, or not of that form.
    static func parse(_ text: String, name: String) throws -> [String: Value] {
        var values: [String: Value] = [:]
        do {
            guard let root = try Yams.compose(yaml: text) else { return [:] }
            if root.isNothing { return [:] }
            guard root.mapping != nil else {
                throw InvalidSettings(faults: [
                    SettingsFault(line: 1, text: "\(name):1: expected settings, as `key: value`")
                ])
            }
            var faults: [SettingsFault] = []
            self.flatten(root, "", name, &values, &faults)
            if !faults.isEmpty { throw InvalidSettings(faults: faults) }
        } catch let error as YamlError {
            let (line, problem): (Int, String) =
                switch error {
                case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                    .composer(_, let problem, let mark, _):
                    (mark.line, problem)
                case .duplicatedKeysInMapping(let keys, let context):
                    (context.mark.line, "\(keys.joined(separator: ", ")) twice")
                default: (1, "not YAML")
                }
            throw InvalidSettings(faults: [SettingsFault(line: line, text: "\(name):\(line): \(problem)")])
        }
        return values
    }

    private static func flatten(
        _ node: Node,
        _ key: String,
        _ name: String,
        _ values: inout [String: Value],
        _ faults: inout [SettingsFault]
    ) {
        let line = node.mark?.line ?? 1
        switch node {
        case .scalar(let scalar):
            values[key] = Value(content: node.isNothing ? .nothing : .text(scalar.string), line: line)
        case .sequence(let sequence):
            let items = sequence.compactMap { $0.scalar?.string }
            if items.count < sequence.count {
                faults.append(SettingsFault(line: line, text: "\(name):\(line): \(key): expected a list of values"))
            }
            values[key] = Value(content: .list(items), line: line)
        case .mapping(let mapping):
            for (inner, value) in mapping {
                let line = inner.mark?.line ?? line
                guard let part = inner.scalar?.string else {
                    faults.append(SettingsFault(line: line, text: "\(name):\(line): expected the name of a setting"))
                    continue
                }
                self.flatten(value, key.isEmpty ? part : "\(key).\(part)", name, &values, &faults)
            }
        case .alias:
            faults.append(SettingsFault(line: line, text: "\(name):\(line): \(key): expected a value, not an alias"))
        }
    }
}

extension Node {
    /// Whether there is no value: nothing, `~` or `null`, without quotation marks.
    fileprivate var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .any || scalar.style == .plain else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }
}

extension Settings {
    /// Where settings are if nothing else is said.
    static let standardFile = "/etc/letterhouse/letterhouse.yaml"

    /// Reads the settings, all faults at once; throws ``InvalidSettings``.
    ///
    /// `path`: the file; nil: ``standardFile``, which need not be there. `environment`: variables that override it.
    /// `checksFiles`: whether to look also into the files that they name, as only who serves does.
    static func load(path: String?, environment: [String: String], checksFiles: Bool = false) throws -> Settings {
        try self.read(path: path, environment: environment, checksFiles: checksFiles).settings
    }

    /// The same, and beside it each setting as text and where it is from.
    static func read(
        path: String?,
        environment: [String: String],
        checksFiles: Bool = false
    ) throws -> (settings: Settings, entries: [SettingsReader.Entry]) {
        let name = path ?? self.standardFile
        var values: [String: SettingsFile.Value] = [:]
        let isThere = unsafe access(name, F_OK) == 0
        if path != nil || isThere {
            values = try SettingsFile.parse(try Self.text(name), name: name)
        }
        var reader = SettingsReader(values: values, environment: environment, file: name)
        let settings = Settings(&reader)
        reader.findUnknown()
        if checksFiles { settings.checkFiles(&reader) }
        guard reader.faults.isEmpty else { throw InvalidSettings(faults: reader.faults) }
        return (settings, reader.entries)
    }

    private static func text(_ name: String) throws(InvalidSettings) -> String {
        do {
            return try TextFile.read(name)
        } catch {
            throw InvalidSettings(faults: [SettingsFault(line: 0, text: "\(error)")])
        }
    }
}
