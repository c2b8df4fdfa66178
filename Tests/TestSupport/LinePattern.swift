// SPDX-License-Identifier: Apache-2.0

/// What a line of a transcript stands for in octets, and whether a line from the server is what it describes.
struct LinePattern {
    private enum Element {
        case octets([UInt8])
        case capture(String)
    }

    private var elements: [Element] = []
    private var hasOpenEnd = false

    /// Makes the pattern of a line; `captures` is what is known already, and it is put in.
    init(_ text: String, captures: [String: [UInt8]]) {
        var text = Substring(text)
        if text.hasSuffix("...") {
            self.hasOpenEnd = true
            text.removeLast(3)
        }
        var octets: [UInt8] = []
        while let open = text.firstIndex(of: "<") {
            octets += Self.octets(text[..<open])
            text = text[open...]
            guard let close = text.firstIndex(of: ">"), Self.isName(text[text.index(after: open)..<close]) else {
                octets.append(UInt8(ascii: "<"))
                text.removeFirst()
                continue
            }
            let name = String(text[text.index(after: open)..<close])
            text = text[text.index(after: close)...]
            if let value = captures[name] {
                octets += value
            } else {
                self.elements += [.octets(octets), .capture(name)]
                octets = []
            }
        }
        self.elements.append(.octets(octets + Self.octets(text)))
    }

    /// Whether `line` is as described; adds to `captures` what it takes from it, if so.
    ///
    /// A capture is as short as what stands behind it allows.
    func matches(_ line: [UInt8], captures: inout [String: [UInt8]]) -> Bool {
        var found = captures
        var rest = line[...]
        var open: String?
        for (index, element) in self.elements.enumerated() {
            switch element {
            case .capture(let name):
                open = name
            case .octets(let octets):
                let isLast = index == self.elements.count - 1 && !self.hasOpenEnd
                guard let name = open else {
                    guard rest.starts(with: octets) else { return false }
                    rest = rest.dropFirst(octets.count)
                    continue
                }
                guard let start = Self.position(of: octets, in: rest, atEnd: isLast), start > rest.startIndex else {
                    return false
                }
                let value = Array(rest[..<start])
                if let known = found[name], known != value { return false }
                found[name] = value
                rest = rest[(start + octets.count)...]
                open = nil
            }
        }
        guard rest.isEmpty || self.hasOpenEnd else { return false }
        captures = found
        return true
    }

    private static func position(of octets: [UInt8], in line: ArraySlice<UInt8>, atEnd: Bool) -> Int? {
        if atEnd {
            let start = line.endIndex - octets.count
            return start >= line.startIndex && line[start...].elementsEqual(octets) ? start : nil
        }
        if octets.isEmpty { return line.endIndex }
        return line.indices.dropFirst().first { line[$0...].starts(with: octets) }
    }

    private static func isName(_ text: Substring) -> Bool {
        text.wholeMatch(of: /[a-z][a-zA-Z0-9-]*/) != nil
    }

    // MARK: Notation of octets

    /// The octets that a text stands for: control pictures are control characters, `⟨80⟩` is an octet.
    static func octets(_ text: some StringProtocol) -> [UInt8] {
        var octets: [UInt8] = []
        var hexadecimal: String?
        for scalar in text.unicodeScalars {
            switch (scalar.value, hexadecimal) {
            case (0x27E8, _): hexadecimal = ""
            case (0x27E9, let digits?):
                octets.append(UInt8(digits, radix: 16) ?? UInt8(ascii: "?"))
                hexadecimal = nil
            case (_, let digits?): hexadecimal = digits + String(scalar)
            case (0x2400...0x2420, nil): octets.append(UInt8(scalar.value - 0x2400))
            case (0x2421, nil): octets.append(0x7F)
            default: octets += Array(String(scalar).utf8)
            }
        }
        return octets
    }

    /// Octets in the notation of transcripts, for people.
    static func text(_ octets: some Collection<UInt8>) -> String {
        guard let text = String(validating: octets, as: UTF8.self) else {
            return octets.map { $0 < 0x80 ? Self.text([$0]) : "⟨\(String($0, radix: 16, uppercase: true))⟩" }.joined()
        }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let picture = scalar.value < 0x20 ? Unicode.Scalar(scalar.value + 0x2400) : nil
            result.append(scalar.value == 0x7F ? "\u{2421}" : picture ?? scalar)
        }
        return String(result)
    }
}
