// SPDX-License-Identifier: Apache-2.0

/// Reads one value, in one pass, and never deeper or more than it was told.
package struct JSONReader {
    /// What is too much.
    package struct Limits: Sendable {
        /// Values within values.
        package var depth: Int
        /// Values in all.
        package var values: Int

        package init(depth: Int, values: Int) {
            self.depth = depth
            self.values = values
        }
    }

    private let octets: [UInt8]
    private let limits: Limits
    private var position = 0
    private var values = 0

    /// The value in a text (RFC 8259 §2), which is UTF-8.
    package static func value(in octets: [UInt8], limits: Limits) throws(MalformedJSON) -> JSONValue {
        var reader = JSONReader(octets: octets, limits: limits)
        if octets.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
        let value = try reader.value(depth: 0)
        guard reader.nextSignificant == nil else { throw MalformedJSON(expected: "one value") }
        return value
    }

    private init(octets: [UInt8], limits: Limits) {
        self.octets = octets
        self.limits = limits
    }

    // value = false / null / true / object / array / number / string
    private mutating func value(depth: Int) throws(MalformedJSON) -> JSONValue {
        self.values += 1
        guard depth < self.limits.depth, self.values <= self.limits.values else {
            throw MalformedJSON(expected: "fewer values, not so deep")
        }
        switch self.nextSignificant {
        case UInt8(ascii: "{"): return .object(try self.object(depth))
        case UInt8(ascii: "["): return .array(try self.array(depth))
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.literal("true", .bool(true))
        case UInt8(ascii: "f"): return try self.literal("false", .bool(false))
        case UInt8(ascii: "n"): return try self.literal("null", .null)
        case let octet?
        where octet == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet):
            return try self.number()
        default: throw MalformedJSON(expected: "a value")
        }
    }

    // object = begin-object [ member *( value-separator member ) ] end-object
    private mutating func object(_ depth: Int) throws(MalformedJSON) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        self.position += 1
        if self.nextSignificant == UInt8(ascii: "}") {
            self.position += 1
            return members
        }
        while true {
            guard self.nextSignificant == UInt8(ascii: "\"") else { throw MalformedJSON(expected: "a name") }
            let name = try self.string()
            guard self.nextSignificant == UInt8(ascii: ":") else { throw MalformedJSON(expected: "\":\"") }
            self.position += 1
            members[name] = try self.value(depth: depth + 1)
            if try self.isEnd(UInt8(ascii: "}")) { return members }
        }
    }

    // array = begin-array [ value *( value-separator value ) ] end-array
    private mutating func array(_ depth: Int) throws(MalformedJSON) -> [JSONValue] {
        var values: [JSONValue] = []
        self.position += 1
        if self.nextSignificant == UInt8(ascii: "]") {
            self.position += 1
            return values
        }
        while true {
            values.append(try self.value(depth: depth + 1))
            if try self.isEnd(UInt8(ascii: "]")) { return values }
        }
    }

    private mutating func isEnd(_ end: UInt8) throws(MalformedJSON) -> Bool {
        guard let next = self.nextSignificant, next == end || next == UInt8(ascii: ",") else {
            throw MalformedJSON(expected: "\",\" or the end")
        }
        self.position += 1
        return next == end
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(MalformedJSON) -> JSONValue {
        guard self.octets[self.position...].starts(with: text.description.utf8) else {
            throw MalformedJSON(expected: "a value")
        }
        self.position += text.description.utf8.count
        return value
    }

    // number = [ minus ] int [ frac ] [ exp ]
    private mutating func number() throws(MalformedJSON) -> JSONValue {
        let start = self.position
        func isDigit(_ octet: UInt8?) -> Bool { octet.map { (0x30...0x39).contains($0) } ?? false }
        func skipDigits() -> Int {
            let first = self.position
            while isDigit(self.current) { self.position += 1 }
            return self.position - first
        }
        if self.current == UInt8(ascii: "-") { self.position += 1 }
        let hasZero = self.current == UInt8(ascii: "0")
        let count = skipDigits()
        guard count == 1 || (count > 1 && !hasZero) else { throw MalformedJSON(expected: "a number") }
        var isInteger = true
        if self.current == UInt8(ascii: ".") {
            isInteger = false
            self.position += 1
            guard skipDigits() > 0 else { throw MalformedJSON(expected: "a number") }
        }
        if self.current.map({ $0 | 0x20 == UInt8(ascii: "e") }) ?? false {
            isInteger = false
            self.position += 1
            if self.current == UInt8(ascii: "+") || self.current == UInt8(ascii: "-") { self.position += 1 }
            guard skipDigits() > 0 else { throw MalformedJSON(expected: "a number") }
        }
        let text = String(decoding: self.octets[start..<self.position], as: UTF8.self)
        return isInteger ? Int64(text).map(JSONValue.number) ?? .decimal(text) : .decimal(text)
    }

    // string = quotation-mark *char quotation-mark
    private mutating func string() throws(MalformedJSON) -> String {
        var text: [UInt8] = []
        self.position += 1
        while let octet = self.current, octet != UInt8(ascii: "\"") {
            self.position += 1
            guard octet == UInt8(ascii: "\\") else {
                guard octet >= 0x20 else { throw MalformedJSON(expected: "no control characters") }
                text.append(octet)
                continue
            }
            guard let escaped = self.current else { break }
            self.position += 1
            switch escaped {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escaped)
            case UInt8(ascii: "u"): text += String(Character(try self.escapedScalar())).utf8
            default: throw MalformedJSON(expected: "an escape")
            }
        }
        guard self.current != nil else { throw MalformedJSON(expected: "the end of a string") }
        self.position += 1
        guard let valid = String(validating: text, as: UTF8.self) else { throw MalformedJSON(expected: "UTF-8") }
        return valid
    }

    /// Behind `\u`; half of a pair alone becomes U+FFFD.
    private mutating func escapedScalar() throws(MalformedJSON) -> Unicode.Scalar {
        let unit = try self.codeUnit()
        if (0xD800...0xDBFF).contains(unit), self.octets[self.position...].starts(with: "\\u".utf8) {
            let before = self.position
            self.position += 2
            let low = try self.codeUnit()
            if (0xDC00...0xDFFF).contains(low) {
                return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
            }
            self.position = before
        }
        return Unicode.Scalar(unit) ?? "\u{FFFD}"
    }

    private mutating func codeUnit() throws(MalformedJSON) -> UInt32 {
        let digits = self.octets[self.position...].prefix(4)
        let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard values.count == 4 else { throw MalformedJSON(expected: "four digits") }
        self.position += 4
        return values.reduce(0) { $0 << 4 | UInt32($1) }
    }

    private var current: UInt8? { self.position < self.octets.count ? self.octets[self.position] : nil }

    /// The next octet that is no white space.
    private var nextSignificant: UInt8? {
        mutating get {
            while let octet = self.current, octet == 0x20 || octet == 0x09 || octet == 0x0A || octet == 0x0D {
                self.position += 1
            }
            return self.current
        }
    }
}
