// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import MilterClient

@Suite("What a filter says") struct MilterAnswerTests {
    private static func response(
        _ letter: Character,
        _ payload: String,
        steps: MilterSteps = []
    ) throws -> MilterResponse {
        var octets: [UInt8] = []
        octets.append(number: 6)
        octets.append(number: MilterActions.offered.rawValue)
        octets.append(number: steps.rawValue)
        let agreement = try MilterAgreement(answer: octets[...])
        return try MilterResponse(letter: letter.asciiValue ?? 0, payload: Array(payload.utf8)[...], agreement)
    }

    @Test(
        "Replies in its own words",
        arguments: [
            ("550 5.7.1 Go away\0", .reply(code: 550, enhanced: "5.7.1", lines: ["Go away"])),
            ("451 Later\0", .reply(code: 451, enhanced: nil, lines: ["Later"])),
            ("554\0", .reply(code: 554, enhanced: nil, lines: [""])),
            ("550-5.7.1 one\r\n550 5.7.1 two\0", .reply(code: 550, enhanced: "5.7.1", lines: ["one", "two"])),
            // The code and its status must agree.
            ("450 5.7.1 x\0", .reply(code: 450, enhanced: nil, lines: ["5.7.1 x"])),
            ("550 5.7.1 a\u{1B}b\0", .reply(code: 550, enhanced: "5.7.1", lines: ["a?b"])),
            // Nobody is told that all is well by a filter.
            ("250 fine\0", .tryLater), ("\0", .tryLater), ("abc\0", .tryLater), ("699 x\0", .tryLater),
        ] as [(String, MilterAnswer)]
    )
    func reply(payload: String, expected: MilterAnswer) throws {
        #expect(try Self.response("y", payload) == .answer(expected))
    }

    @Test("A field is one field, whatever is in it") func injection() throws {
        func value(_ payload: String, _ steps: MilterSteps = []) throws -> String? {
            guard case .change(.addField(let field)) = try Self.response("h", payload, steps: steps) else { return nil }
            return String(decoding: field.octets, as: UTF8.self)
        }
        #expect(try value("X-A\0v\0") == "X-A: v\r\n")
        #expect(try value("X-A\0 v\0", .leadingSpace) == "X-A: v\r\n")
        #expect(
            try value("X-A\0v\r\nBcc: all@example.org\r\n\r\nbody\0")
                == "X-A: v\r\n\tBcc: all@example.org\r\n\tbody\r\n"
        )
        #expect(try value("X-A\0\0") == "X-A: \r\n")
        for name in ["", "X A", "X:A", "X\r\nA", "Ä"] {
            #expect(throws: MilterFailure.self) { try value("\(name)\0v\0") }
        }
        #expect(throws: MilterFailure.self) { try value("a\0b\0c\0") }
        #expect(throws: MilterFailure.self) { try Self.response("m", "\0\0") }
        #expect(throws: MilterFailure.self) { try Self.response("Z", "") }
    }

    @Test("Frames come in any parts") func cuts() throws {
        let octets = MilterFrame.encoded(UInt8(ascii: "c"), []) + MilterFrame.encoded(UInt8(ascii: "y"), [1, 2, 3])
        for cut in 0...octets.count {
            var reader = MilterFrameReader()
            var frames: [[UInt8]] = []
            for part in [octets[..<cut], octets[cut...]] {
                reader.append(Array(part))
                while let frame = try reader.next() { frames.append([frame.letter] + frame.payload) }
            }
            #expect(frames == [[UInt8(ascii: "c")], [UInt8(ascii: "y"), 1, 2, 3]])
            #expect(reader.isEmpty)
        }
    }

    @Test("Whatever a filter sends, there is an answer or a failure") func hostile() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &random)
            let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let letter = Array("achdrtyp4fsiqm+-be2l".utf8).randomElement(using: &random) ?? 0
            var octets: [UInt8] = []
            octets.append(number: 6)
            octets.append(number: UInt32.random(in: 0...0xFF, using: &random))
            octets.append(number: 0)
            let agreement = try MilterAgreement(answer: octets[...])
            let response = try? MilterResponse(letter: letter, payload: payload[...], agreement)
            if case .change(.addField(let field)) = response {
                let lines = field.octets.dropLast(2).split(separator: 10, omittingEmptySubsequences: false)
                #expect(lines.dropFirst().allSatisfy { $0.first == 0x20 || $0.first == 0x09 })
            }
        }
    }
}

@Suite("A header that filters change") struct MilterHeaderTests {
    private static func header(_ fields: [String]) -> MilterHeader {
        var header = MilterHeader()
        for field in fields {
            header.append(name: field.prefix { $0 != ":" }.utf8, octets: Array("\(field)\r\n".utf8)[...])
        }
        return header
    }

    private static func text(_ octets: [UInt8]) -> String { String(decoding: octets, as: UTF8.self) }

    private static func field(_ name: String, _ value: String) -> MilterField {
        MilterField(name: Array(name.utf8), value: Array(" \(value)".utf8))
    }

    @Test("Added fields are above, inserted ones where they want among those") func added() {
        var header = Self.header(["A: 1", "B: 2"])
        header.apply(.addField(Self.field("X", "1")))
        header.apply(.insertField(0, Self.field("Y", "2")))
        header.apply(.insertField(99, Self.field("Z", "3")))
        #expect(Self.text(header.added) == "Y: 2\r\nX: 1\r\nZ: 3\r\n")
        #expect(!header.isChanged)
        #expect(Self.text(header.remaining) == "A: 1\r\nB: 2\r\n")
    }

    @Test("Numbers are those of the header as it came") func changed() {
        var header = Self.header(["A: 1", "b: 2", "a: 3", "A: 4"])
        header.apply(.changeField(name: Array("A".utf8), number: 1, value: nil))
        header.apply(.changeField(name: Array("A".utf8), number: 3, value: Array(" four".utf8)))
        header.apply(.changeField(name: Array("B".utf8), number: 0, value: Array(" two".utf8)))
        #expect(Self.text(header.remaining) == "B: two\r\na: 3\r\nA: four\r\n")
        #expect(header.isChanged)
    }

    @Test("What is not there is added, and cannot be removed") func absent() {
        var header = Self.header(["A: 1"])
        header.apply(.changeField(name: Array("C".utf8), number: 1, value: Array(" new".utf8)))
        header.apply(.changeField(name: Array("A".utf8), number: 2, value: nil))
        header.apply(.quarantine("x"))
        #expect(Self.text(header.added) == "C: new\r\n")
        #expect(!header.isChanged)
    }
}
