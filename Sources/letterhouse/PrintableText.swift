// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text with what could end a line, move a cursor or turn the direction of writing shown as `\u{…}`.
    ///
    /// Addresses and replies come from outside: they must not be able to forge a line of a log or of a table.
    var printable: String {
        var text = ""
        for scalar in self.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
