// SPDX-License-Identifier: Apache-2.0

/// A password in clear, prepared for comparison, that does not show in descriptions, logs or dumps.
package struct Password: Sendable {
    /// UTF-8, not empty.
    let octets: [UInt8]

    /// Takes a password as a client sent it.
    ///
    /// - Returns: nil for what can be no password: empty, not UTF-8, or with control characters.
    package init?(_ octets: some Collection<UInt8>) {
        guard let prepared = PreparedString.prepare(octets) else { return nil }
        self.octets = Array(prepared.utf8)
    }

    /// Takes a password as a user typed it; nil as above.
    package init?(_ text: String) {
        self.init(Array(text.utf8))
    }
}

extension Password: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(masked)" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
