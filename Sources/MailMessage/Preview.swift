// SPDX-License-Identifier: Apache-2.0

/// The first words of a message, for lists of messages (RFC 8970).
package enum Preview {
    /// "Servers SHOULD limit the length of the preview text to 200 preview characters" (RFC 8970 §3.1).
    private static let characterLimit = 200

    /// The beginning of a text: white space made single spaces, at most 200 characters (Unicode scalars).
    ///
    /// - Parameters:
    ///   - text: UTF-8; a few KiB from the begin of a part are enough.
    ///   - isHTML: Whether tags, comments, scripts and styles are left out and the common entities resolved. That makes
    ///     text to be shown as text, never HTML to be trusted.
    /// - Returns: Text on one line; empty if there is none.
    package static func text(of text: [UInt8], isHTML: Bool = false) -> String {
        let octets = isHTML ? self.withoutMarkup(text) : text
        var preview = ""
        var count = 0
        var isSpaced = false
        for scalar in String(decoding: octets, as: UTF8.self).unicodeScalars {
            guard scalar.value > 0x20, scalar.value != 0x7F, scalar != "\u{A0}" else {
                isSpaced = true
                continue
            }
            if isSpaced, !preview.isEmpty {
                preview.unicodeScalars.append(" ")
                count += 1
            }
            isSpaced = false
            guard count < self.characterLimit else { break }
            preview.unicodeScalars.append(scalar)
            count += 1
        }
        while preview.unicodeScalars.last == " " {
            preview.unicodeScalars.removeLast()
        }
        return preview
    }

    /// The text between the tags, with a space for each tag.
    private static func withoutMarkup(_ html: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = html[...]
        while let octet = rest.first {
            if octet == UInt8(ascii: "<") {
                rest = self.afterMarkup(rest)
                output.append(Octets.space)
            } else if octet == UInt8(ascii: "&"), let (text, next) = self.entity(rest) {
                output.append(contentsOf: text)
                rest = next
            } else {
                output.append(octet)
                rest = rest.dropFirst()
            }
        }
        return output
    }

    /// What follows the comment, the element without visible content, or the tag that begins here.
    private static func afterMarkup(_ html: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if html.starts(with: "<!--".utf8) {
            return self.after("-->", in: html)
        }
        let name = html.dropFirst().prefix { octet in Octets.isLetter(octet) }
        if Octets.equal(name, ignoringCaseOf: "style") {
            return self.after("</style", in: html)
        }
        if Octets.equal(name, ignoringCaseOf: "script") {
            return self.after("</script", in: html)
        }
        if Octets.equal(name, ignoringCaseOf: "title") {
            return self.after("</title", in: html)
        }
        guard let end = html.firstIndex(of: UInt8(ascii: ">")) else { return html.suffix(0) }
        return html[(end + 1)...]
    }

    /// What follows `end`, and its ">" if it is a tag; nothing if it does not come.
    private static func after(_ end: StaticString, in html: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let count = end.utf8CodeUnitCount
        var index = html.startIndex
        while index + count <= html.endIndex {
            if Octets.equal(html[index..<(index + count)], ignoringCaseOf: end) {
                // With "-->", or else with a tag's name, which ends with the next ">".
                let close = html[(index + count - 1)...].firstIndex(of: UInt8(ascii: ">"))
                return close.map { close in html[(close + 1)...] } ?? html.suffix(0)
            }
            index += 1
        }
        return html.suffix(0)
    }

    private static let entities: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "zwnj": "", "shy": "",
        "hellip": "…", "ndash": "–", "mdash": "—", "copy": "©", "reg": "®", "euro": "€",
        "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "laquo": "«", "raquo": "»",
        "auml": "ä", "ouml": "ö", "uuml": "ü", "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü", "szlig": "ß",
    ]

    /// The longest entity that is looked for.
    private static let longestEntity = 10

    /// What an entity stands for, and what follows it; nil if there is none here.
    private static func entity(_ html: ArraySlice<UInt8>) -> (text: [UInt8], rest: ArraySlice<UInt8>)? {
        let window = html.dropFirst().prefix(self.longestEntity)
        guard let end = window.firstIndex(of: Octets.semicolon) else { return nil }
        let name = String(decoding: window[..<end], as: UTF8.self)
        let rest = html[(end + 1)...]
        guard name.first == "#" else {
            return self.entities[name].map { text in (Array(text.utf8), rest) }
        }
        let isHexadecimal = name.dropFirst().first.map { letter in letter == "x" || letter == "X" } ?? false
        let digits = name.dropFirst(isHexadecimal ? 2 : 1)
        guard let value = UInt32(digits, radix: isHexadecimal ? 16 : 10), let scalar = Unicode.Scalar(value) else {
            return nil
        }
        return (Array(String(scalar).utf8), rest)
    }
}

extension MessageSummary {
    /// The part whose text stands for the message: the first `text/plain`, or else the first `text/html`, that is not
    /// an attachment and not in a message inside.
    package var previewPart: Part? {
        Preview.firstPart(of: self.root, subtype: "plain") ?? Preview.firstPart(of: self.root, subtype: "html")
    }
}

extension Preview {
    /// Recurses as deep as the parser's limit lets parts nest.
    fileprivate static func firstPart(of part: Part, subtype: StaticString) -> Part? {
        if part.isMultipart {
            for child in part.children {
                if let found = self.firstPart(of: child, subtype: subtype) { return found }
            }
            return nil
        }
        let isAttached = part.disposition.map { disposition in
            !Octets.equal(disposition.type, ignoringCaseOf: "inline")
        }
        return part.contentType.isType("text", subtype) && isAttached != true ? part : nil
    }
}
