// SPDX-License-Identifier: Apache-2.0

/// Something wrong with the settings, in words for the operator.
struct SettingsFault: Sendable, Equatable {
    /// The line of the file, for the order of telling; 0: not in the file.
    var line: Int
    var text: String
}

/// The settings are not usable; all faults.
struct InvalidSettings: Error, CustomStringConvertible {
    let faults: [SettingsFault]
    var description: String { self.faults.sorted { $0.line < $1.line }.map(\.text).joined(separator: "\n") }
}
