// SPDX-License-Identifier: Apache-2.0

/// A content transfer encoding (RFC 2045 §6).
package enum TransferEncoding: Hashable, Sendable {
    case sevenBit
    case eightBit
    case binary
    case base64
    case quotedPrintable
    /// One that this module cannot decode.
    case unknown

    /// Reads a `Content-Transfer-Encoding` without comments, as ``Part/transferEncoding`` has it; nil is `7bit`.
    ///
    ///     mechanism := "7bit" / "8bit" / "binary" / "quoted-printable" / "base64" / ietf-token / x-token
    package init(_ mechanism: [UInt8]?) {
        guard let mechanism else {
            self = .sevenBit
            return
        }
        switch String(decoding: Octets.lowercased(mechanism), as: UTF8.self) {
        case "7bit": self = .sevenBit
        case "8bit": self = .eightBit
        case "binary": self = .binary
        case "base64": self = .base64
        case "quoted-printable": self = .quotedPrintable
        default: self = .unknown
        }
    }
}

/// Takes a transfer encoding off while the octets pass by; chunks may be cut anywhere.
package struct TransferDecoder: Sendable {
    private enum State: Sendable {
        case identity
        case base64(Base64Decoder)
        case quotedPrintable(QuotedPrintableDecoder)
    }

    private var state: State

    /// Nil for ``TransferEncoding/unknown``: `UNKNOWN-CTE` in IMAP (RFC 9051 §6.4.5).
    package init?(_ encoding: TransferEncoding) {
        switch encoding {
        case .sevenBit, .eightBit, .binary: self.state = .identity
        case .base64: self.state = .base64(Base64Decoder())
        case .quotedPrintable: self.state = .quotedPrintable(QuotedPrintableDecoder())
        case .unknown: return nil
        }
    }

    /// Decodes the next octets to the end of `output`.
    package mutating func decode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        switch self.state {
        case .identity:
            output.append(contentsOf: octets)
        case .base64(var decoder):
            decoder.decode(octets, into: &output)
            self.state = .base64(decoder)
        case .quotedPrintable(var decoder):
            // The decoder holds an array: taken out of the state first, so that it is not copied for each chunk.
            self.state = .identity
            decoder.decode(octets, into: &output)
            self.state = .quotedPrintable(decoder)
        }
    }

    /// Ends the encoded octets: what was held back comes out.
    package mutating func finish(into output: inout [UInt8]) {
        switch self.state {
        case .identity:
            break
        case .base64(var decoder):
            decoder.finish(into: &output)
            self.state = .base64(decoder)
        case .quotedPrintable(var decoder):
            decoder.finish(into: &output)
            self.state = .quotedPrintable(decoder)
        }
    }

    /// Whether octets were met that the encoding does not allow.
    package var isDamaged: Bool {
        switch self.state {
        case .identity: false
        case .base64(let decoder): decoder.isDamaged
        case .quotedPrintable(let decoder): decoder.isDamaged
        }
    }

    /// All of it at once; nil for an encoding that cannot be decoded.
    package static func decode(_ octets: ArraySlice<UInt8>, _ encoding: TransferEncoding) -> [UInt8]? {
        guard var decoder = TransferDecoder(encoding) else { return nil }
        var output: [UInt8] = []
        decoder.decode(octets, into: &output)
        decoder.finish(into: &output)
        return output
    }
}
