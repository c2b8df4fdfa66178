// SPDX-License-Identifier: Apache-2.0

/// A grammar in ABNF (RFC 5234), from which sentences are made at random.
///
/// It knows what the grammars of mail RFCs use: rule names, strings, `%x` values and ranges, `/`, groups, options and
/// repetitions; a line that begins with a space continues a rule.
struct ABNF {
    indirect enum Element {
        case rule(String)
        case text([UInt8])
        case range(ClosedRange<UInt8>)
        case alternatives([Element])
        case sequence([Element])
        case repetition(Element, minimum: Int, maximum: Int?)
    }

    struct Fault: Error {
        var message: String
    }

    private(set) var rules: [String: Element] = [:]

    init(_ grammar: String) throws {
        var definitions: [String] = []
        for line in grammar.split(separator: "\n") {
            if line.first == " ", let last = definitions.popLast() {
                definitions.append(last + line)
            } else {
                definitions.append(String(line))
            }
        }
        for definition in definitions {
            guard let equals = definition.firstIndex(of: "=") else { throw Fault(message: "no rule: \(definition)") }
            let name = definition[..<equals].filter { $0 != " " }
            var reader = Reader(rest: Array(definition[definition.index(after: equals)...].utf8)[...])
            self.rules[name.lowercased()] = try reader.alternatives()
            guard reader.rest.isEmpty else { throw Fault(message: "in \(name)") }
        }
    }

    /// A sentence of a rule; below `depth` rules within each other everything is kept short.
    func sentence(_ rule: String, depth: Int = 12, using random: inout SeededGenerator) throws -> [UInt8] {
        var output: [UInt8] = []
        try self.expand(.rule(rule), depth, &output, &random)
        return output
    }

    private func expand(
        _ element: Element,
        _ depth: Int,
        _ output: inout [UInt8],
        _ random: inout SeededGenerator
    ) throws {
        guard depth > -50 else { throw Fault(message: "endless recursion") }
        switch element {
        case .rule(let name):
            guard let rule = self.rules[name.lowercased()] else { throw Fault(message: "no rule \(name)") }
            try self.expand(rule, depth - 1, &output, &random)
        case .text(let text):
            output += text.map { octet in
                // Strings are case-insensitive (RFC 5234 §2.3).
                let isLetter = 0x41...0x5A ~= octet & 0xDF
                return isLetter && Bool.random(using: &random) ? octet ^ 0x20 : octet
            }
        case .range(let range):
            output.append(UInt8.random(in: range, using: &random))
        case .alternatives(let alternatives):
            let index = depth > 0 ? Int.random(in: alternatives.indices, using: &random) : 0
            try self.expand(alternatives[index], depth, &output, &random)
        case .sequence(let elements):
            for element in elements { try self.expand(element, depth, &output, &random) }
        case .repetition(let element, let minimum, let maximum):
            let greatest = min(maximum ?? .max, minimum + (depth > 0 ? 4 : 0))
            for _ in 0..<Int.random(in: minimum...max(minimum, greatest), using: &random) {
                try self.expand(element, depth, &output, &random)
            }
        }
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func alternatives() throws -> Element {
            var alternatives = [try self.sequence()]
            while self.accept("/") { alternatives.append(try self.sequence()) }
            return alternatives.count == 1 ? alternatives[0] : .alternatives(alternatives)
        }

        private mutating func sequence() throws -> Element {
            var elements: [Element] = []
            self.skipSpaces()
            while let octet = self.rest.first, !Array("/)]".utf8).contains(octet) {
                elements.append(try self.repetition())
                self.skipSpaces()
            }
            return elements.count == 1 ? elements[0] : .sequence(elements)
        }

        private mutating func repetition() throws -> Element {
            let minimum = self.number()
            guard self.accept("*") else {
                let element = try self.element()
                return minimum.map { .repetition(element, minimum: $0, maximum: $0) } ?? element
            }
            let maximum = self.number()
            return .repetition(try self.element(), minimum: minimum ?? 0, maximum: maximum)
        }

        private mutating func element() throws -> Element {
            if self.accept("(") {
                let element = try self.alternatives()
                guard self.accept(")") else { throw Fault(message: "no )") }
                return element
            }
            if self.accept("[") {
                let element = try self.alternatives()
                guard self.accept("]") else { throw Fault(message: "no ]") }
                return .repetition(element, minimum: 0, maximum: 1)
            }
            if self.accept("\"") {
                let text = self.rest.prefix { $0 != UInt8(ascii: "\"") }
                self.rest = self.rest.dropFirst(text.count + 1)
                return .text(Array(text))
            }
            if self.accept("%") {
                guard self.accept("x"), let first = self.hexadecimal() else { throw Fault(message: "no %x") }
                guard self.accept("-") else { return .range(first...first) }
                guard let last = self.hexadecimal() else { throw Fault(message: "no range") }
                return .range(first...last)
            }
            let name = self.rest.prefix { octet in
                0x61...0x7A ~= octet | 0x20 || 0x30...0x39 ~= octet || octet == UInt8(ascii: "-")
            }
            guard !name.isEmpty else { throw Fault(message: "no element") }
            self.rest = self.rest.dropFirst(name.count)
            return .rule(String(decoding: name, as: UTF8.self))
        }

        private mutating func number() -> Int? {
            let digits = self.rest.prefix { 0x30...0x39 ~= $0 }
            self.rest = self.rest.dropFirst(digits.count)
            return Int(String(decoding: digits, as: UTF8.self))
        }

        private mutating func hexadecimal() -> UInt8? {
            let digits = self.rest.prefix(2)
            self.rest = self.rest.dropFirst(2)
            return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        }

        private mutating func accept(_ character: Unicode.Scalar) -> Bool {
            if character == "/" || character == ")" || character == "]" { self.skipSpaces() }
            guard self.rest.first == UInt8(ascii: character) else { return false }
            self.rest = self.rest.dropFirst()
            return true
        }

        private mutating func skipSpaces() { self.rest = self.rest.drop { $0 == UInt8(ascii: " ") } }
    }
}
