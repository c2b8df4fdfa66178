// SPDX-License-Identifier: Apache-2.0

/// One field of a header, as slices of the octets it was found in (RFC 5322 §2.2).
package struct HeaderField: Sendable {
    /// All of it, with folded lines and the last line end.
    package let octets: ArraySlice<UInt8>
    /// Its name, without the white space that obsolete syntax allows before the colon; empty if this is no field
    /// (no colon, a name of other octets than printable ASCII, a continuation of nothing).
    package let name: ArraySlice<UInt8>
    /// What follows the colon, folding included, without the last line end; all of the line if there is no name.
    package let value: ArraySlice<UInt8>

    /// Whether the name is `name`, whatever the case.
    package func isNamed(_ name: StaticString) -> Bool {
        Octets.equal(self.name, ignoringCaseOf: name)
    }

    /// The value on one line: trimmed, without line ends and NUL (RFC 5322 §2.2.3).
    package var unfoldedValue: [UInt8] {
        Octets.unfolded(self.value)
    }
}
