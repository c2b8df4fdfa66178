// SPDX-License-Identifier: Apache-2.0

/// The frames of the milter protocol: a length of four octets, a letter, and what belongs to it.
enum MilterFrame {
    /// The most octets that a filter may send in one: it has headers to say, no bodies.
    static let longest = 256 * 1024

    /// A frame; the length counts the letter.
    static func encoded(_ letter: UInt8, _ payload: some Collection<UInt8>) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + 5)
        frame.append(number: UInt32(payload.count + 1))
        frame.append(letter)
        frame += payload
        return frame
    }
}

/// Takes frames out of what has arrived.
struct MilterFrameReader: Sendable {
    private var unread: [UInt8] = []

    mutating func append(_ octets: [UInt8]) { self.unread += octets }

    /// The next frame; nil if it is not complete.
    ///
    /// Throws ``MilterFailure/malformed(_:)``: nobody knows then where the next one begins.
    mutating func next() throws(MilterFailure) -> (letter: UInt8, payload: ArraySlice<UInt8>)? {
        guard self.unread.count >= 4 else { return nil }
        let length = self.unread.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard (1...MilterFrame.longest).contains(length) else { throw .malformed("a frame of \(length) octets") }
        guard self.unread.count >= 4 + length else { return nil }
        let frame = self.unread[4..<4 + length]
        self.unread.removeFirst(4 + length)
        return (frame[frame.startIndex], frame.dropFirst())
    }

    var isEmpty: Bool { self.unread.isEmpty }
}

extension [UInt8] {
    mutating func append(number: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) {
            self.append(UInt8(truncatingIfNeeded: number >> UInt32(shift)))
        }
    }

    /// Text that ends with NUL, as far as it has none itself.
    mutating func append(text: some Sequence<UInt8>) {
        self += text.prefix { $0 != 0 }
        self.append(0)
    }
}

/// Why a filter is of no more use.
package enum MilterFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody is there, in words.
    case unreachable(String)
    case tooSlow
    case hungUp
    /// It does not speak the protocol.
    case malformed(String)

    package var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .tooSlow: "no answer in time"
        case .hungUp: "it hung up"
        case .malformed(let what): "expected the milter protocol, got \(what)"
        }
    }
}
