// SPDX-License-Identifier: Apache-2.0

/// What a filter says about what it was told.
package enum MilterAnswer: Sendable, Equatable {
    /// Go on.
    case proceed
    /// It wants to hear no more of the message, or before MAIL of the connection.
    case accept
    case reject
    case tryLater
    /// The message is to be accepted and thrown away.
    case discard
    /// A reply in its own words: a code of 400 to 599, an enhanced status code if there is one, and lines.
    case reply(code: Int, enhanced: String?, lines: [String])
    /// It needs no more of the body.
    case skip
    /// The connection shall end.
    case hangUp
}

/// What a filter wants done with a message.
package enum MilterChange: Sendable, Equatable {
    case addField(MilterField)
    /// Before the field of that number, from 0.
    case insertField(Int, MilterField)
    /// The field of that name with that number, from 1; nil removes it.
    case changeField(name: [UInt8], number: Int, value: [UInt8]?)
    case quarantine(String)
}

/// A field as it stands in a header.
package struct MilterField: Sendable, Equatable {
    package let name: [UInt8]
    /// All that stands behind the colon, without the last line end; lines end with CRLF.
    package let value: [UInt8]

    /// The field with its line end.
    package var octets: [UInt8] { self.name + [UInt8(ascii: ":")] + self.value + [13, 10] }

    package init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// One frame of a filter.
enum MilterResponse: Sendable, Equatable {
    case answer(MilterAnswer)
    case change(MilterChange)
    /// It is still at work.
    case progress
    /// Something that was not agreed: it is passed over.
    case other(UInt8)

    init(letter: UInt8, payload: ArraySlice<UInt8>, _ agreement: MilterAgreement) throws(MilterFailure) {
        switch letter {
        case UInt8(ascii: "c"): self = .answer(.proceed)
        case UInt8(ascii: "a"): self = .answer(.accept)
        case UInt8(ascii: "r"): self = .answer(.reject)
        case UInt8(ascii: "t"): self = .answer(.tryLater)
        case UInt8(ascii: "d"): self = .answer(.discard)
        case UInt8(ascii: "s"): self = .answer(.skip)
        case UInt8(ascii: "f"), UInt8(ascii: "4"): self = .answer(.hangUp)
        case UInt8(ascii: "y"): self = .answer(Self.reply(payload))
        case UInt8(ascii: "p"): self = .progress
        case UInt8(ascii: "h") where agreement.actions.contains(.addFields):
            self = .change(.addField(try Self.field(payload, agreement)))
        case UInt8(ascii: "i") where agreement.actions.contains(.addFields):
            let (number, rest) = try Self.number(payload)
            self = .change(.insertField(number, try Self.field(rest, agreement)))
        case UInt8(ascii: "m") where agreement.actions.contains(.changeFields):
            let (number, rest) = try Self.number(payload)
            let texts = Self.texts(rest)
            if texts.count == 2, texts[1].isEmpty {
                try Self.checkName(texts[0])
                self = .change(.changeField(name: Array(texts[0]), number: number, value: nil))
            } else {
                let field = try Self.field(rest, agreement)
                self = .change(.changeField(name: field.name, number: number, value: field.value))
            }
        case UInt8(ascii: "q") where agreement.actions.contains(.quarantine):
            self = .change(.quarantine(Self.printable(Self.texts(payload).first ?? [])))
        case UInt8(ascii: "2"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "b"), UInt8(ascii: "e"),
            UInt8(ascii: "h"), UInt8(ascii: "i"), UInt8(ascii: "m"), UInt8(ascii: "q"), UInt8(ascii: "l"):
            self = .other(letter)
        default: throw .malformed("an answer that nobody knows")
        }
    }

    private static func number(
        _ payload: ArraySlice<UInt8>
    ) throws(MilterFailure) -> (Int, ArraySlice<UInt8>) {
        guard payload.count > 4 else { throw .malformed("a short change") }
        return (payload.prefix(4).reduce(0) { $0 << 8 | Int($1) }, payload.dropFirst(4))
    }

    /// Texts that each end with NUL.
    private static func texts(_ payload: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var texts = payload.split(separator: 0, omittingEmptySubsequences: false)
        if texts.last?.isEmpty == true { texts.removeLast() }
        return texts
    }

    private static func checkName(_ name: ArraySlice<UInt8>) throws(MilterFailure) {
        guard !name.isEmpty, name.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }) else {
            throw .malformed("a field without a name")
        }
    }

    /// A name and a value; whatever the filter says, the field ends where it ends (RFC 5322 §2.2).
    private static func field(
        _ payload: ArraySlice<UInt8>,
        _ agreement: MilterAgreement
    ) throws(MilterFailure) -> MilterField {
        let texts = self.texts(payload)
        guard texts.count == 2 || texts.count == 1 else { throw .malformed("a field without a value") }
        try self.checkName(texts[0])
        var value: [UInt8] = agreement.steps.contains(.leadingSpace) ? [] : [UInt8(ascii: " ")]
        let lines = (texts.count == 2 ? texts[1] : []).split(omittingEmptySubsequences: true) { $0 == 10 || $0 == 13 }
        for (index, line) in lines.enumerated() {
            if index > 0 {
                value += [13, 10]
                if let first = line.first, first != 0x20, first != 0x09 { value.append(0x09) }
            }
            value += line
        }
        return MilterField(name: Array(texts[0]), value: value)
    }

    /// A reply as SMTP has it: `550 5.7.1 text`, perhaps of several lines.
    private static func reply(_ payload: ArraySlice<UInt8>) -> MilterAnswer {
        let texts = (self.texts(payload).first ?? []).split { $0 == 10 || $0 == 13 }
        guard let first = texts.first, let code = Int(String(decoding: first.prefix(3), as: UTF8.self)),
            (400...599).contains(code)
        else { return .tryLater }
        var enhanced: String?
        var lines: [String] = []
        for text in texts.prefix(20) {
            var words = text.dropFirst(4)
            let status = words.prefix { $0 != UInt8(ascii: " ") }
            if self.isStatus(status, of: code) {
                enhanced = String(decoding: status, as: UTF8.self)
                words = words.dropFirst(status.count + 1)
            }
            lines.append(self.printable(words))
        }
        return .reply(code: code, enhanced: enhanced, lines: lines)
    }

    /// `5.7.1`, of the code's class (RFC 3463 §2).
    private static func isStatus(_ text: ArraySlice<UInt8>, of code: Int) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 3
            && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy { (0x30...0x39) ~= $0 } }
            && parts[0].elementsEqual("\(code / 100)".utf8)
    }

    /// What can stand in a reply and a log.
    private static func printable(_ text: ArraySlice<UInt8>) -> String {
        String(decoding: text.prefix(300).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
