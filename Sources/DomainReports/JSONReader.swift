// SPDX-License-Identifier: Apache-2.0

/// What came is no JSON as reports need it.
package struct MalformedJSON: Error, Hashable, Sendable, CustomStringConvertible {
    package let expected: String
    package var description: String { "expected \(self.expected)" }
}

/// A value of JSON (RFC 8259), as far as reports need it.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    /// Numbers that are no integers, or larger ones, are 0: reports count.
    case number(Int64)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var count: Int64? {
        guard case .number(let number) = self else { return nil }
        return max(0, number)
    }

    /// The values of an array; of anything else that is there, the one.
    var values: [JSONValue] {
        switch self {
        case .array(let values): values
        case .null: []
        default: [self]
        }
    }
}

/// Reads one value, in one pass, and never deeper or more than reports are.
struct JSONReader {
    private static let depthLimit = 12
    private static let valueLimit = 200_000
    /// Octets of one string; what is behind is dropped.
    private static let textLimit = 2000

    private let octets: [UInt8]
    private var position = 0
    private var values = 0

    /// The value in a text (RFC 8259 §2).
    static func value(in octets: [UInt8]) throws(MalformedJSON) -> JSONValue {
        var reader = JSONReader(octets: octets)
        if octets.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
        let value = try reader.value(depth: 0)
        guard reader.nextSignificant == nil else { throw MalformedJSON(expected: "one value") }
        return value
    }

    private init(octets: [UInt8]) { self.octets = octets }

    // value = false / null / true / object / array / number / string
    private mutating func value(depth: Int) throws(MalformedJSON) -> JSONValue {
        self.values += 1
        guard depth < Self.depthLimit, self.values <= Self.valueLimit else {
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
            return .number(self.number())
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

    private mutating func number() -> Int64 {
        let start = self.position
        while let octet = self.current, "+-.eE0123456789".utf8.contains(octet) { self.position += 1 }
        return Int64(String(decoding: self.octets[start..<self.position].prefix(20), as: UTF8.self)) ?? 0
    }

    // string = quotation-mark *char quotation-mark
    private mutating func string() throws(MalformedJSON) -> String {
        var text: [UInt8] = []
        func keep(_ octet: UInt8) { if text.count < Self.textLimit { text.append(octet) } }
        self.position += 1
        while let octet = self.current, octet != UInt8(ascii: "\"") {
            self.position += 1
            guard octet == UInt8(ascii: "\\") else {
                guard octet >= 0x20 else { throw MalformedJSON(expected: "no control characters") }
                keep(octet)
                continue
            }
            guard let escaped = self.current else { break }
            self.position += 1
            switch escaped {
            case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "f"):
                keep(0x20)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): keep(escaped)
            case UInt8(ascii: "u"): for octet in String(Character(try self.escapedScalar())).utf8 { keep(octet) }
            default: throw MalformedJSON(expected: "an escape")
            }
        }
        guard self.current != nil else { throw MalformedJSON(expected: "the end of a string") }
        self.position += 1
        return String(decoding: text, as: UTF8.self)
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
        return Unicode.Scalar(unit).map { $0.value < 0x20 ? " " : $0 } ?? "\u{FFFD}"
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
