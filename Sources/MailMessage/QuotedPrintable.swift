// SPDX-License-Identifier: Apache-2.0

/// The quoted-printable encoding (RFC 2045 §6.7).
package enum QuotedPrintable {
    private static let lineLimit = 76

    /// Encodes text whose lines end with CRLF; every other octet that is not printable ASCII is quoted, a bare CR or LF
    /// too.
    package static func encode(_ octets: some Collection<UInt8>) -> [UInt8] {
        let input = Array(octets)
        var output: [UInt8] = []
        output.reserveCapacity(input.count + input.count / 8)
        var column = 0
        for (index, octet) in input.enumerated() {
            let next = index + 1 < input.count ? input[index + 1] : nil
            if octet == Octets.cr, next == Octets.lf {
                output.append(contentsOf: [Octets.cr, Octets.lf])
                column = 0
                continue
            }
            if octet == Octets.lf, index > 0, input[index - 1] == Octets.cr { continue }
            let isAtLineEnd =
                next == nil || (next == Octets.cr && index + 2 < input.count && input[index + 2] == Octets.lf)
            let isLiteral = self.isLiteral(octet) && !(Octets.isBlank(octet) && isAtLineEnd)
            let width = isLiteral ? 1 : 3
            // One column stays free for the "=" of a soft line break.
            if column + width > (isAtLineEnd ? self.lineLimit : self.lineLimit - 1) {
                output.append(contentsOf: [Octets.equals, Octets.cr, Octets.lf])
                column = 0
            }
            if isLiteral {
                output.append(octet)
            } else {
                output.append(Octets.equals)
                output.append(Octets.hexadecimalDigit(octet >> 4))
                output.append(Octets.hexadecimalDigit(octet))
            }
            column += width
        }
        return output
    }

    private static func isLiteral(_ octet: UInt8) -> Bool {
        octet == Octets.tab || (octet >= 0x20 && octet < 0x7F && octet != Octets.equals)
    }
}

/// Decodes quoted-printable while it passes by.
///
/// Lenient as RFC 2045 §6.7 suggests: "=" before anything but two hexadecimal digits or a line end stays as it is,
/// lower-case digits count. White space at the end of a line is dropped. Line ends come out as they went in.
package struct QuotedPrintableDecoder: Sendable {
    private enum State: Sendable {
        /// ``held`` is white space that may turn out to be at the end of a line, and perhaps a CR.
        case text
        /// After "=", and the white space and CR in ``held``.
        case escape
        /// After "=" and this digit.
        case digit(UInt8)
    }

    private var state = State.text
    private var held: [UInt8] = []
    /// Whether anything was met that encoders must not write.
    package private(set) var isDamaged = false

    /// White space that goes on longer than any line may is let through.
    private static let heldLimit = 1000

    package init() {}

    package mutating func decode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + octets.count)
        var index = octets.startIndex
        while index < octets.endIndex {
            let octet = octets[index]
            switch self.state {
            case .text where self.held.isEmpty && QuotedPrintableDecoder.isPlain(octet):
                // Most octets stand for themselves: those in a row are taken at once.
                let run = octets[index...].prefix { octet in QuotedPrintableDecoder.isPlain(octet) }
                output.append(contentsOf: run)
                index = run.endIndex
                continue
            case .text: self.text(octet, into: &output)
            case .escape: self.escape(octet, into: &output)
            case .digit(let digit): self.digit(octet, after: digit, into: &output)
            }
            index += 1
        }
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet < 0x7F && octet != Octets.equals
    }

    private mutating func text(_ octet: UInt8, into output: inout [UInt8]) {
        if octet == Octets.lf {
            if self.held.last == Octets.cr {
                output.append(Octets.cr)
            }
            output.append(octet)
            self.held.removeAll(keepingCapacity: true)
            return
        }
        if Octets.isBlank(octet) || octet == Octets.cr {
            if self.held.last == Octets.cr || self.held.count >= QuotedPrintableDecoder.heldLimit {
                self.release(into: &output)
            }
            self.held.append(octet)
            return
        }
        self.release(into: &output)
        if octet == Octets.equals {
            self.state = .escape
        } else {
            if octet > 0x7E || octet < 0x20 {
                self.isDamaged = true
            }
            output.append(octet)
        }
    }

    private mutating func escape(_ octet: UInt8, into output: inout [UInt8]) {
        if self.held.isEmpty, Octets.hexadecimalValue(octet) != nil {
            self.state = .digit(octet)
        } else if octet == Octets.lf {
            // A soft line break, perhaps with white space that a relay has added.
            self.held.removeAll(keepingCapacity: true)
            self.state = .text
        } else if (Octets.isBlank(octet) || octet == Octets.cr) && self.held.last != Octets.cr
            && self.held.count < QuotedPrintableDecoder.heldLimit
        {
            self.held.append(octet)
        } else {
            self.isDamaged = true
            output.append(Octets.equals)
            self.release(into: &output)
            self.state = .text
            self.text(octet, into: &output)
        }
    }

    private mutating func digit(_ octet: UInt8, after digit: UInt8, into output: inout [UInt8]) {
        self.state = .text
        if let high = Octets.hexadecimalValue(digit), let low = Octets.hexadecimalValue(octet) {
            output.append(high << 4 | low)
        } else {
            self.isDamaged = true
            output.append(Octets.equals)
            output.append(digit)
            self.text(octet, into: &output)
        }
    }

    private mutating func release(into output: inout [UInt8]) {
        guard !self.held.isEmpty else { return }
        output.append(contentsOf: self.held)
        self.held.removeAll(keepingCapacity: true)
    }

    package mutating func finish(into output: inout [UInt8]) {
        switch self.state {
        case .text:
            // White space at the very end is at the end of a line; a CR there is just an octet.
            if self.held.last == Octets.cr {
                output.append(Octets.cr)
            }
        case .escape:
            // "=" at the very end is a soft line break whose line end was cut off.
            break
        case .digit(let digit):
            self.isDamaged = true
            output.append(contentsOf: [Octets.equals, digit])
        }
        self.held.removeAll()
        self.state = .text
    }
}
