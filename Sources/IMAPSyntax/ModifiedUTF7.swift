// SPDX-License-Identifier: Apache-2.0

/// The encoding of mailbox names in IMAP4rev1 (RFC 3501 §5.1.3, RFC 9051 §A.1).
///
/// Printable ASCII stands for itself, `&` is `&-`, everything else is UTF-16 in base64 between `&` and `-`, with `,`
/// for `/`. Decoding is strict: every name has exactly one spelling, so that decoding and encoding gives back what the
/// client wrote, and no client can address a mailbox by an alias.
package enum ModifiedUTF7 {
    /// Why something is not modified UTF-7.
    package enum Fault: Error, Hashable, Sendable {
        /// An octet that is not printable ASCII.
        case notPrintable
        /// `&` without its `-`.
        case unterminatedShift
        /// Something in the shift that is no base64, stray bits at its end, or no whole character.
        case invalidBase64
        /// A character that stands for itself was encoded.
        case encodedASCII
        /// Half a surrogate pair.
        case unpairedSurrogate
        /// Two shifts where one would do.
        case superfluousShift
    }

    /// The UTF-8 of a name in modified UTF-7.
    package static func decode(_ octets: ArraySlice<UInt8>) throws(Fault) -> [UInt8] {
        var name: [UInt8] = []
        name.reserveCapacity(octets.count)
        var index = octets.startIndex
        var endOfShift: Int?
        while index < octets.endIndex {
            let octet = octets[index]
            guard 0x20...0x7E ~= octet else { throw .notPrintable }
            index += 1
            guard octet == UInt8(ascii: "&") else {
                name.append(octet)
                continue
            }
            if index < octets.endIndex, octets[index] == UInt8(ascii: "-") {
                name.append(octet)
                index += 1
                continue
            }
            if endOfShift == index - 1 { throw .superfluousShift }
            try self.decodeShift(octets, at: &index, into: &name)
            endOfShift = index
        }
        return name
    }

    /// Reads base64 up to and including the `-` that ends it.
    private static func decodeShift(
        _ octets: ArraySlice<UInt8>,
        at index: inout Int,
        into name: inout [UInt8]
    ) throws(Fault) {
        var bits: UInt32 = 0
        var bitCount = 0
        var highSurrogate: UInt16?
        var isEmpty = true
        while index < octets.endIndex {
            let octet = octets[index]
            index += 1
            if octet == UInt8(ascii: "-") {
                guard highSurrogate == nil else { throw .unpairedSurrogate }
                guard !isEmpty, bitCount < 6, bits == 0 else { throw .invalidBase64 }
                return
            }
            guard octet != .slash, let value = Base64.value(of: octet == UInt8(ascii: ",") ? .slash : octet) else {
                throw .invalidBase64
            }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            guard bitCount >= 16 else { continue }
            bitCount -= 16
            let unit = UInt16(truncatingIfNeeded: bits >> bitCount)
            bits &= 1 << bitCount - 1
            isEmpty = false
            try self.decodeUnit(unit, after: &highSurrogate, into: &name)
        }
        throw .unterminatedShift
    }

    private static func decodeUnit(
        _ unit: UInt16,
        after highSurrogate: inout UInt16?,
        into name: inout [UInt8]
    ) throws(Fault) {
        if let high = highSurrogate.take() {
            guard UTF16.isTrailSurrogate(unit) else { throw .unpairedSurrogate }
            let value = 0x10000 + (UInt32(high & 0x3FF) << 10 | UInt32(unit & 0x3FF))
            if let scalar = Unicode.Scalar(value) { name.append(contentsOf: UTF8.encode(scalar) ?? .init()) }
        } else if UTF16.isLeadSurrogate(unit) {
            highSurrogate = unit
        } else {
            guard let scalar = Unicode.Scalar(unit) else { throw .unpairedSurrogate }
            guard !(0x20...0x7E ~= unit) else { throw .encodedASCII }
            name.append(contentsOf: UTF8.encode(scalar) ?? .init())
        }
    }

    /// The modified UTF-7 of a name.
    package static func encode(_ name: String) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(name.utf8.count)
        var bits: UInt32 = 0
        var bitCount = 0
        var isShifted = false
        func append(_ value: UInt32) {
            let character = Base64.character(of: UInt8(truncatingIfNeeded: value))
            octets.append(character == .slash ? UInt8(ascii: ",") : character)
        }
        func endShift() {
            if bitCount > 0 { append(bits << (6 - bitCount)) }
            octets.append(UInt8(ascii: "-"))
            (bits, bitCount, isShifted) = (0, 0, false)
        }
        for scalar in name.unicodeScalars {
            if 0x20...0x7E ~= scalar.value {
                if isShifted { endShift() }
                octets.append(UInt8(truncatingIfNeeded: scalar.value))
                if scalar == "&" { octets.append(UInt8(ascii: "-")) }
                continue
            }
            if !isShifted { octets.append(UInt8(ascii: "&")) }
            isShifted = true
            for unit in UTF16.encode(scalar) ?? .init() {
                bits = bits << 16 | UInt32(unit)
                bitCount += 16
                while bitCount >= 6 {
                    bitCount -= 6
                    append(bits >> bitCount)
                }
                bits &= 1 << bitCount - 1
            }
        }
        if isShifted { endShift() }
        return octets
    }
}
