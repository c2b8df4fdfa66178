// SPDX-License-Identifier: Apache-2.0

import Configuration

/// Reads settings one by one, and notes everything that is wrong with them, to be told together.
///
/// A value comes from the environment (`LETTERHOUSE_RELAY_PORT` for `relay.port`), else from the file, else it is the
/// default.
struct SettingsReader {
    /// A setting that was asked for, and what it is.
    struct Entry: Sendable, Equatable {
        enum Value: Sendable, Equatable {
            case text(String)
            case list([String])
        }

        /// Where the value is from.
        enum Origin: Sendable, Equatable {
            case environment(variable: String)
            case file(line: Int)
            case standard
        }

        var key: String
        /// As it would be written in the file; nil: it has no default and is not set.
        var value: Value?
        var origin: Origin
    }

    static let variablePrefix = "LETTERHOUSE_"

    private let config: ConfigReader
    private let values: [String: SettingsFile.Value]
    private let environmentNames: Set<String>
    private let file: String?
    /// Every setting there is, in the order in which they were asked for.
    private(set) var entries: [Entry] = []
    private(set) var faults: [SettingsFault] = []
    /// Those that are not the default.
    private var given: Set<String> = []

    /// - Parameters:
    ///   - values: what the file says.
    ///   - environment: variables; only those that begin with `LETTERHOUSE_` count.
    ///   - file: the file's name, for messages.
    init(values: [String: SettingsFile.Value], environment: [String: String], file: String?) {
        self.values = values
        self.file = file
        let variables = environment.filter { $0.key.hasPrefix(Self.variablePrefix) }
        self.environmentNames = Set(variables.keys)
        let fromFile = values.compactMap { key, value -> (AbsoluteConfigKey, ConfigValue)? in
            switch value.content {
            case .text(let text): (AbsoluteConfigKey(ConfigKey(key)), ConfigValue(.string(text), isSecret: false))
            case .list(let list): (AbsoluteConfigKey(ConfigKey(key)), ConfigValue(.stringArray(list), isSecret: false))
            case .nothing: nil
            }
        }
        self.config = ConfigReader(providers: [
            EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "letterhouse"),
            InMemoryProvider(values: Dictionary(fromFile) { first, _ in first }),
        ])
    }

    /// Notes that the setting is not as it must be.
    mutating func fault(_ key: String, expected: String) {
        self.note(key, "expected \(expected)")
    }

    /// Notes a fault of each of the settings that is given although it means nothing without `base`.
    mutating func fault(_ keys: [String], without base: String) {
        for key in keys where self.isGiven(key) { self.fault(key, expected: "\(base) beside it") }
    }

    /// Whether the setting is another than without file and environment; it must have been read.
    func isGiven(_ key: String) -> Bool { self.given.contains(key) }

    /// Notes what is wrong with the setting.
    mutating func note(_ key: String, _ problem: String) {
        switch self.origin(of: key) {
        case .environment(let variable): self.faults.append(SettingsFault(line: 0, text: "\(variable): \(problem)"))
        case .file(let line):
            self.faults.append(SettingsFault(line: line, text: "\(self.file ?? ""):\(line): \(key): \(problem)"))
        case .standard: self.faults.append(SettingsFault(line: 0, text: "\(key): \(problem)"))
        }
    }

    /// Notes the settings of the file and the environment that do not exist.
    ///
    /// To be called when everything has been read.
    mutating func findUnknown() {
        let known = Set(self.entries.map(\.key))
        for (key, value) in self.values.sorted(by: { $0.key < $1.key }) where !known.contains(key) {
            let isSection = known.contains { $0.hasPrefix(key + ".") }
            // A section of which every line is a comment.
            if isSection, value.content == .nothing { continue }
            self.faults.append(
                SettingsFault(
                    line: value.line,
                    text: "\(self.file ?? ""):\(value.line): \(key): "
                        + (isSection ? "expected settings below it" : "there is no such setting")
                )
            )
        }
        let variables = Set(self.entries.map { Self.variable($0.key) })
        for name in self.environmentNames.sorted() where !variables.contains(name) {
            self.faults.append(SettingsFault(line: 0, text: "\(name): there is no such setting"))
        }
    }

    // MARK: One value

    /// One value; nil if it is not set.
    ///
    /// `standard`: what stands for it then, as text.
    mutating func optionalText(_ key: String, standard: String? = nil) -> String? {
        let origin = self.origin(of: key)
        if case .file = origin, case .list? = self.values[key]?.content {
            self.fault(key, expected: "one value, not a list")
            self.add(key, standard.map(Entry.Value.text), standard: standard.map(Entry.Value.text))
            return nil
        }
        let text = self.config.string(forKey: ConfigKey(key)).flatMap { $0.isEmpty ? nil : $0 }
        self.add(key, (text ?? standard).map(Entry.Value.text), standard: standard.map(Entry.Value.text))
        return text
    }

    /// Several values: a list, or one text with commas.
    mutating func list(_ key: String, default standard: [String]) -> [String] {
        let list: [String]? =
            switch (self.origin(of: key), self.values[key]?.content) {
            case (.file, .list(let list)?): list
            case (.file, .text(let text)?): Self.split(text)
            case (.environment, _): self.config.string(forKey: ConfigKey(key)).map(Self.split)
            default: nil
            }
        self.add(key, .list(list ?? standard), standard: .list(standard))
        return list ?? standard
    }

    private mutating func add(_ key: String, _ value: Entry.Value?, standard: Entry.Value?) {
        if value != standard { self.given.insert(key) }
        self.entries.append(Entry(key: key, value: value, origin: self.origin(of: key)))
    }

    private func origin(of key: String) -> Entry.Origin {
        let variable = Self.variable(key)
        if self.environmentNames.contains(variable) { return .environment(variable: variable) }
        guard let value = self.values[key], value.content != .nothing else { return .standard }
        return .file(line: value.line)
    }

    private static func variable(_ key: String) -> String {
        Self.variablePrefix
            + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    private static func split(_ text: String) -> [String] {
        text.split(separator: ",").compactMap { item in
            let words = item.split(whereSeparator: \.isWhitespace)
            return words.isEmpty ? nil : words.joined(separator: " ")
        }
    }
}
