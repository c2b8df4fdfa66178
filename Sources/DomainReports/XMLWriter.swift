// SPDX-License-Identifier: Apache-2.0

/// Writes XML: elements with text, indented, without attributes.
///
/// No text can end its element.
struct XMLWriter {
    private(set) var octets = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".utf8)
    private var depth = 0

    /// An element with others in it.
    mutating func element(_ name: StaticString, _ body: (inout XMLWriter) -> Void) {
        self.line("<\(name)>")
        self.depth += 1
        body(&self)
        self.depth -= 1
        self.line("</\(name)>")
    }

    /// An element with text in it; none without a text.
    mutating func element(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        self.line("<\(name)>\(Self.escaped(text))</\(name)>")
    }

    mutating func element(_ name: StaticString, _ number: Int) { self.element(name, "\(number)") }

    private mutating func line(_ text: String) {
        self.octets += [UInt8](repeating: 0x20, count: 2 * self.depth)
        self.octets += text.utf8
        self.octets.append(0x0A)
    }

    /// Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]; others become spaces.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
