// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// Reads an unsigned 32-bit number.
    ///
    ///     number          = 1*DIGIT
    package mutating func number() throws(SyntaxError) -> UInt32 {
        UInt32(try self.decimal("number", 0...UInt64(UInt32.max)))
    }

    /// Reads an unsigned 32-bit number that is not zero and does not begin with one.
    ///
    ///     nz-number       = digit-nz *DIGIT
    package mutating func nzNumber() throws(SyntaxError) -> UInt32 {
        guard !self.peek(UInt8(ascii: "0")) else { throw self.expected("nz-number") }
        return UInt32(try self.decimal("nz-number", 1...UInt64(UInt32.max)))
    }

    /// Reads an unsigned 63-bit number.
    ///
    ///     number64        = 1*DIGIT
    package mutating func number64() throws(SyntaxError) -> UInt64 {
        try self.decimal("number64", 0...UInt64(Int64.max))
    }

    /// Reads an unsigned 63-bit number that is not zero and does not begin with one.
    ///
    ///     nz-number64     = digit-nz *DIGIT
    package mutating func nzNumber64() throws(SyntaxError) -> UInt64 {
        guard !self.peek(UInt8(ascii: "0")) else { throw self.expected("nz-number64") }
        return try self.decimal("nz-number64", 1...UInt64(Int64.max))
    }

    /// Reads a mod-sequence (RFC 7162 §7).
    ///
    ///     mod-sequence-value  = 1*DIGIT
    package mutating func modSequenceValue() throws(SyntaxError) -> UInt64 {
        try self.decimal("mod-sequence-value", 1...UInt64(Int64.max))
    }

    /// Reads a mod-sequence or zero, as UNCHANGEDSINCE and MODSEQ take them (RFC 7162 §7).
    ///
    /// QUIRK: Apple Mail for iOS sends `CHANGEDSINCE 0`, so the server asks for this there too.
    ///
    ///     mod-sequence-valzer = "0" / mod-sequence-value
    package mutating func modSequenceValzer() throws(SyntaxError) -> UInt64 {
        try self.decimal("mod-sequence-valzer", 0...UInt64(Int64.max))
    }

    /// Reads digits; any number of leading zeros is harmless.
    private mutating func decimal(_ production: String, _ range: ClosedRange<UInt64>) throws(SyntaxError) -> UInt64 {
        let start = self.offset
        var value: UInt64 = 0
        while let digit = self.peek(), digit.isDigit {
            // 63 bits and one more digit stay within 64 bits only below a tenth.
            guard value <= range.upperBound / 10 else { throw SyntaxError(expected: production, offset: start) }
            value = value * 10 + UInt64(digit & 0x0F)
            self.offset += 1
        }
        guard self.offset > start, range.contains(value) else {
            throw SyntaxError(expected: production, offset: start)
        }
        return value
    }
}
