// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTPServer

/// RFC 6455 §5.
@Suite("Frames of WebSockets") struct WebSocketFramesTests {
    private static let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    /// A frame as a client sends it.
    static func frame(_ first: UInt8, _ payload: [UInt8], masked: Bool = true) -> [UInt8] {
        let bit: UInt8 = masked ? 0x80 : 0
        var frame: [UInt8] = [first]
        switch payload.count {
        case ...125: frame.append(bit | UInt8(payload.count))
        case ...0xFFFF: frame += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            frame +=
                [bit | 127, 0, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: payload.count >> (24 - 8 * $0)) }
        }
        guard masked else { return frame + payload }
        return frame + Self.mask + payload.enumerated().map { $1 ^ Self.mask[$0 & 3] }
    }

    /// Reads octets however they are cut; neighbouring octets are put together.
    private static func read(_ octets: [UInt8], piece: Int) throws(WebSocketStatus) -> [WebSocketFrames.Event] {
        var frames = WebSocketFrames()
        var events: [WebSocketFrames.Event] = []
        for start in stride(from: 0, to: octets.count, by: piece) {
            for event in try frames.append(Array(octets[start..<min(start + piece, octets.count)])) {
                if case .octets(let more) = event, case .octets(let known)? = events.last {
                    events[events.count - 1] = .octets(known + more)
                } else {
                    events.append(event)
                }
            }
        }
        return events
    }

    @Test("RFC 6455 §5.7: the example, and every length, however it is cut", arguments: [1, 2, 3, 7, 1000, 1 << 21])
    func lengths(piece: Int) throws {
        #expect(
            try Self.read([0x82, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], piece: piece)
                == [.octets(Array("Hello".utf8))]
        )
        for count in [1, 125, 126, 127, 0xFFFF, 0x10000] where piece > 1 || count < 1000 {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            #expect(try Self.read(Self.frame(0x82, payload), piece: piece) == [.octets(payload)])
        }
        #expect(try Self.read(Self.frame(0x82, []), piece: piece).isEmpty)
    }

    @Test("Fragments are one stream, with control frames between them", arguments: [1, 5, 100])
    func fragments(piece: Int) throws {
        let octets =
            Self.frame(0x02, [1, 2]) + Self.frame(0x89, [9]) + Self.frame(0x00, [3]) + Self.frame(0x8A, [])
            + Self.frame(0x80, [4]) + Self.frame(0x82, [5]) + Self.frame(0x88, [0x03, 0xE8])
            // Nobody reads on behind that.
            + [0xFF, 0xFF]
        #expect(
            try Self.read(octets, piece: piece) == [
                .octets([1, 2]), .ping([9]), .octets([3]), .pong, .octets([4, 5]), .close(.normal),
            ]
        )
    }

    @Test(
        "ws-violations: what a client must not send",
        arguments: [
            ("text", frame(0x81, [0x61]), 1003), ("unmasked", frame(0x82, [1], masked: false), 1002),
            ("unmasked ping", frame(0x89, [], masked: false), 1002), ("reserved bit", frame(0xC2, [1]), 1002),
            ("reserved opcode", frame(0x83, [1]), 1002), ("reserved control", frame(0x8B, []), 1002),
            ("continuation of nothing", frame(0x80, [1]), 1002), ("continuation of nothing", frame(0x00, [1]), 1002),
            ("message in a message", frame(0x02, [1]) + frame(0x82, [1]), 1002),
            ("fragmented ping", frame(0x09, []), 1002),
            ("long ping", frame(0x89, Array(repeating: 0, count: 126)), 1002),
            ("long form for 125", [0x82, 0xFE, 0, 125], 1002),
            ("long form for 65535", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
            ("length of 64 bits", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
            ("too long", [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1], 1009),
            ("far too long", [0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0], 1009),
            ("half a code", frame(0x88, [3]), 1002), ("code 1005", frame(0x88, [0x03, 0xED]), 1002),
            ("code 999", frame(0x88, [0x03, 0xE7]), 1002), ("no UTF-8", frame(0x88, [0x03, 0xE8, 0xFF]), 1007),
        ] as [(String, [UInt8], UInt16)]
    )
    func violations(what: String, octets: [UInt8], code: UInt16) {
        for piece in [1, 1000] {
            #expect(throws: WebSocketStatus(code: code)) { try Self.read(octets, piece: piece) }
        }
    }

    @Test("A frame of a mebibyte is taken") func longest() throws {
        let payload = Array(repeating: UInt8(7), count: 1 << 20)
        #expect(try Self.read(Self.frame(0x82, payload), piece: 65536) == [.octets(payload)])
    }

    @Test("Closing with a code and a reason") func close() throws {
        #expect(try Self.read(Self.frame(0x88, []), piece: 1) == [.close(.normal)])
        let reason = Self.frame(0x88, [0x0F, 0xA1] + Array("späť".utf8))
        #expect(try Self.read(reason, piece: 1) == [.close(WebSocketStatus(code: 4001))])
    }

    @Test("What the server sends") func written() {
        #expect(WebSocketFrames.octets([1, 2]) == [0x82, 2, 1, 2])
        #expect(WebSocketFrames.octets(Array(repeating: 0, count: 126)).prefix(4) == [0x82, 126, 0, 126])
        #expect(
            WebSocketFrames.octets(Array(repeating: 0, count: 65536)).prefix(10)
                == [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]
        )
        #expect(WebSocketFrames.ping == [0x89, 0])
        #expect(WebSocketFrames.pong([5]) == [0x8A, 1, 5])
        #expect(WebSocketFrames.close(.tooBig) == [0x88, 2, 0x03, 0xF1])
    }
}
