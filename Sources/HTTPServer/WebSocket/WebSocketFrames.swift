// SPDX-License-Identifier: Apache-2.0

/// Why a WebSocket ends (RFC 6455 §7.4.1).
struct WebSocketStatus: Sendable, Equatable, Error {
    let code: UInt16

    static let normal = Self(code: 1000)
    /// The server stops.
    static let goingAway = Self(code: 1001)
    static let protocolError = Self(code: 1002)
    /// Something else than octets.
    static let unsupportedData = Self(code: 1003)
    static let invalidText = Self(code: 1007)
    static let tooBig = Self(code: 1009)
    static let tryAgainLater = Self(code: 1013)
    /// A newer request has taken the connection over; ours to define.
    static let takenOver = Self(code: 4000)
}

/// Reads what a client sends over a WebSocket (RFC 6455 §5), and writes what a server sends.
///
/// What a frame holds is handed on as it comes, so nothing of the length of a frame is kept. Where messages begin and end
/// means nothing to whoever reads a stream of octets; text is refused.
struct WebSocketFrames: Sendable {
    enum Event: Sendable, Equatable {
        case octets([UInt8])
        case ping([UInt8])
        case pong
        /// The client closes; nothing follows.
        case close(WebSocketStatus)
    }

    private enum Opcode: UInt8 {
        case continuation = 0x0
        case text = 0x1
        case binary = 0x2
        case close = 0x8
        case ping = 0x9
        case pong = 0xA

        var isControl: Bool { self.rawValue & 0x8 != 0 }
    }

    private struct Frame: Sendable {
        let opcode: Opcode
        let mask: [UInt8]
        var remaining: Int
        /// How many octets of it have been unmasked.
        var position = 0
    }

    /// The longest frame.
    static let frameLimit = 1 << 20
    /// RFC 6455 §5.5.
    private static let controlLimit = 125

    private var header: [UInt8] = []
    private var frame: Frame?
    /// What has come of the payload of a control frame.
    private var control: [UInt8] = []
    /// Whether a message of several frames has begun.
    private var isFragmented = false
    private var isClosed = false

    /// Takes octets; returns what is in them.
    ///
    /// - Throws: the status with which to close. Nothing that follows means anything.
    mutating func append(_ octets: [UInt8]) throws(WebSocketStatus) -> [Event] {
        var events: [Event] = []
        var index = 0
        while !self.isClosed {
            if self.frame == nil {
                // A header is short, and is looked at again with each octet of it.
                while self.frame == nil, index < octets.count {
                    self.header.append(octets[index])
                    index += 1
                    self.frame = try self.readHeader()
                }
                if self.frame == nil { return events }
            }
            guard var frame = self.frame else { return events }
            let count = min(frame.remaining, octets.count - index)
            var payload = Array(octets[index..<index + count])
            for offset in payload.indices { payload[offset] ^= frame.mask[(frame.position + offset) & 3] }
            index += count
            frame.remaining -= count
            frame.position = (frame.position + count) & 3
            self.frame = frame.remaining == 0 ? nil : frame
            if frame.opcode.isControl {
                self.control += payload
                if frame.remaining == 0 { events.append(try self.takeControl(frame.opcode)) }
            } else if !payload.isEmpty {
                events.append(.octets(payload))
            }
            if frame.remaining > 0 { return events }
        }
        return events
    }

    /// The frame that the header announces, when the header is complete.
    private mutating func readHeader() throws(WebSocketStatus) -> Frame? {
        let header = self.header
        guard header.count >= 2 else { return nil }
        // No extension was agreed on that gives the reserved bits a meaning.
        guard header[0] & 0x70 == 0, let opcode = Opcode(rawValue: header[0] & 0x0F) else { throw .protocolError }
        guard opcode != .text else { throw .unsupportedData }
        // RFC 6455 §5.1: clients mask, always.
        guard header[1] & 0x80 != 0 else { throw .protocolError }
        let isFinal = header[0] & 0x80 != 0
        var length = UInt64(header[1] & 0x7F)
        if opcode.isControl {
            guard isFinal, length <= UInt64(Self.controlLimit) else { throw .protocolError }
        } else {
            guard (opcode == .continuation) == self.isFragmented else { throw .protocolError }
        }
        let extent = length == 126 ? 2 : length == 127 ? 8 : 0
        guard header.count >= 2 + extent else { return nil }
        if extent > 0 {
            length = header[2..<2 + extent].reduce(0) { $0 << 8 | UInt64($1) }
            // RFC 6455 §5.2: the shortest form there is.
            guard length > (extent == 2 ? 125 : 0xFFFF), length < 1 << 63 else { throw .protocolError }
            guard length <= UInt64(Self.frameLimit) else { throw .tooBig }
        }
        guard header.count == 2 + extent + 4 else { return nil }
        self.header = []
        if !opcode.isControl { self.isFragmented = !isFinal }
        return Frame(opcode: opcode, mask: Array(header.suffix(4)), remaining: Int(length))
    }

    private mutating func takeControl(_ opcode: Opcode) throws(WebSocketStatus) -> Event {
        defer { self.control = [] }
        switch opcode {
        case .ping: return .ping(self.control)
        case .close:
            self.isClosed = true
            guard !self.control.isEmpty else { return .close(.normal) }
            guard self.control.count >= 2 else { throw .protocolError }
            let code = UInt16(self.control[0]) << 8 | UInt16(self.control[1])
            guard Self.mayBeSent(code) else { throw .protocolError }
            guard String(validating: self.control.dropFirst(2), as: UTF8.self) != nil else { throw .invalidText }
            return .close(WebSocketStatus(code: code))
        default: return .pong
        }
    }

    /// Codes that mean something in a frame (RFC 6455 §7.4, and those registered since).
    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    // MARK: The server's frames

    /// A frame of octets; servers do not mask.
    static func octets(_ payload: [UInt8]) -> [UInt8] { self.frame(.binary, payload) }

    static let ping = Self.frame(.ping, [])

    static func pong(_ payload: [UInt8]) -> [UInt8] { self.frame(.pong, payload) }

    static func close(_ status: WebSocketStatus) -> [UInt8] {
        self.frame(.close, [UInt8(status.code >> 8), UInt8(status.code & 0xFF)])
    }

    private static func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = [0x80 | opcode.rawValue]
        frame.reserveCapacity(payload.count + 10)
        switch payload.count {
        case ...125: frame.append(UInt8(payload.count))
        case ...0xFFFF: frame += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            frame.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                frame.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        return frame + payload
    }
}
