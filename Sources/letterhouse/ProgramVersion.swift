// SPDX-License-Identifier: Apache-2.0

/// Which release this is.
enum ProgramVersion {
    static let number = "0.1.0"
    static let text = "letterhouse \(Self.number)"
}
