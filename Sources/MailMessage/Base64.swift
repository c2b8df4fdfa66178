// SPDX-License-Identifier: Apache-2.0

/// The base64 of mail bodies (RFC 2045 §6.8).
package enum Base64 {
    fileprivate static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each octet; 0xFF of those outside of the alphabet.
    fileprivate static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, octet) in Base64.alphabet.enumerated() {
            values[Int(octet)] = UInt8(value)
        }
        return values
    }()

    /// Encodes in lines of 76, each ended by CRLF; or, with `lineLength` nil, in one without a line end.
    package static func encode(_ octets: some Collection<UInt8>, lineLength: Int? = 76) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(octets.count / 3 * 4 + octets.count / 57 * 2 + 6)
        var column = 0
        var bits: UInt32 = 0
        var count = 0
        func emit() {
            bits <<= UInt32(8 * (3 - count))
            for position in 0..<4 {
                let sextet = Int(bits >> UInt32(18 - 6 * position) & 0x3F)
                output.append(position <= count ? self.alphabet[sextet] : Octets.equals)
            }
            bits = 0
            count = 0
            column += 4
            if let lineLength, column >= lineLength {
                output.append(contentsOf: [Octets.cr, Octets.lf])
                column = 0
            }
        }
        for octet in octets {
            bits = bits << 8 | UInt32(octet)
            count += 1
            if count == 3 {
                emit()
            }
        }
        if count > 0 {
            emit()
        }
        if lineLength != nil, column > 0 {
            output.append(contentsOf: [Octets.cr, Octets.lf])
        }
        return output
    }
}

/// Decodes base64 while it passes by.
///
/// As RFC 2045 §6.8 asks, octets outside of the alphabet are passed over; so is what has been padded too early, and
/// what is padded may go on with another encoded text. ``isDamaged`` tells of all that.
package struct Base64Decoder: Sendable {
    /// The sextets of an unfinished quantum, and how many there are.
    private var bits: UInt32 = 0
    private var count = 0
    /// The "=" of a quantum.
    private var padding = 0
    /// Whether anything but the alphabet, padding where it belongs, and white space was met.
    package private(set) var isDamaged = false

    package init() {}

    package mutating func decode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + octets.count / 4 * 3 + 3)
        let values = Base64.values
        for octet in octets {
            let value = values[Int(octet)]
            if value != 0xFF {
                self.take(value, into: &output)
            } else if octet == Octets.equals {
                self.pad(into: &output)
            } else if !Octets.isWhitespace(octet) {
                self.isDamaged = true
            }
        }
    }

    private mutating func take(_ value: UInt8, into output: inout [UInt8]) {
        if self.padding > 0 {
            // "A=B": the padding was one short.
            self.isDamaged = true
            self.padding = 0
        }
        self.bits = self.bits << 6 | UInt32(value)
        self.count += 1
        if self.count == 4 {
            output.append(UInt8(truncatingIfNeeded: self.bits >> 16))
            output.append(UInt8(truncatingIfNeeded: self.bits >> 8))
            output.append(UInt8(truncatingIfNeeded: self.bits))
            self.bits = 0
            self.count = 0
        }
    }

    private mutating func pad(into output: inout [UInt8]) {
        if self.padding > 0 {
            self.padding -= 1
        } else if self.count >= 2 {
            self.padding = self.count == 2 ? 1 : 0
            self.flush(into: &output)
        } else {
            self.isDamaged = true
            self.flush(into: &output)
        }
    }

    /// The whole octets of an unfinished quantum.
    private mutating func flush(into output: inout [UInt8]) {
        if self.count >= 2 {
            output.append(UInt8(truncatingIfNeeded: self.bits >> UInt32(6 * self.count - 8)))
        }
        if self.count == 3 {
            output.append(UInt8(truncatingIfNeeded: self.bits >> 2))
        }
        self.bits = 0
        self.count = 0
    }

    package mutating func finish(into output: inout [UInt8]) {
        if self.count > 0 || self.padding > 0 {
            self.isDamaged = true
        }
        self.flush(into: &output)
        self.padding = 0
    }
}
