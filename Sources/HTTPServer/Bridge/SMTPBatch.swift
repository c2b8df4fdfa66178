// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// A whole SMTP session as a client prepares it, cut into what is sent at a time.
///
/// Most units are lines. The text behind a DATA line, to its final dot, is one unit, and so is BDAT with its octets. A
/// response to an AUTH challenge is a line, too.
struct SMTPBatch: Sendable {
    struct Unit: Sendable, Equatable {
        /// What it is, as far as that matters.
        enum Kind: Sendable, Equatable {
            /// A command that begins a transaction, or gives one up.
            case beginning
            case recipient
            /// DATA, behind which the text comes.
            case data
            /// The text of a message, or the last chunk of it with its command: the reply tells whether the message was taken.
            case text
            /// A chunk that others follow.
            case chunk
            case quit
            case other
        }

        let octets: ArraySlice<UInt8>
        let kind: Kind
    }

    let units: [Unit]

    /// Cuts a batch, or finds fault with it before anything is sent.
    ///
    /// Client and server must agree about every line end, or one message could hide another ("SMTP smuggling"). So a
    /// batch has CRLF throughout, or LF throughout, which is made CRLF; one with both is refused.
    init(_ octets: [UInt8]) throws(HTTPRefusal) {
        guard !octets.isEmpty else { throw .badBatch("SMTP commands in the body") }
        let hasCRLF = octets.contains(0x0D)
        var rest = (hasCRLF ? octets : Self.withCRLF(octets))[...]
        var units: [Unit] = []
        while !rest.isEmpty {
            // A last command may do without its line end. Text may not: who knows whether the rest of it was lost?
            if !rest.contains(where: { $0 == 0x0D || $0 == 0x0A }) { rest += [0x0D, 0x0A] }
            var end = try Self.endOfLine(in: rest)
            let command = try? CommandLine(rest[..<(end - 2)])
            var kind = Self.kind(of: command?.verb)
            if command?.verb == "BDAT" {
                guard hasCRLF else { throw .badBatch("CRLF line ends in a batch with BDAT") }
                let chunk = try Self.chunk(command?.arguments ?? [], from: end, in: rest)
                (end, kind) = (chunk.end, chunk.isLast ? .text : .chunk)
            }
            units.append(Unit(octets: rest[..<end], kind: kind))
            rest = rest[end...]
            if command?.verb == "DATA" {
                let end = try Self.endOfText(in: rest)
                units.append(Unit(octets: rest[..<end], kind: .text))
                rest = rest[end...]
            }
        }
        self.units = units
    }

    private static func kind(of verb: String?) -> Unit.Kind {
        switch verb {
        case "MAIL", "RSET", "EHLO", "HELO": .beginning
        case "RCPT": .recipient
        case "DATA": .data
        case "QUIT": .quit
        default: .other
        }
    }

    /// Where the first line of `octets` ends, behind its CRLF.
    private static func endOfLine(in octets: ArraySlice<UInt8>) throws(HTTPRefusal) -> Int {
        let end = octets.firstIndex { $0 == 0x0D || $0 == 0x0A } ?? octets.endIndex
        guard end + 1 < octets.endIndex, octets[end] == 0x0D, octets[end + 1] == 0x0A else {
            throw .badBatch("one kind of line ends, CRLF or LF, throughout")
        }
        return end + 2
    }

    /// Where the text behind DATA ends, behind its final dot.
    private static func endOfText(in octets: ArraySlice<UInt8>) throws(HTTPRefusal) -> Int {
        var start = octets.startIndex
        while start < octets.endIndex {
            let end = try self.endOfLine(in: octets[start...])
            if end - start == 3, octets[start] == UInt8(ascii: ".") { return end }
            start = end
        }
        throw .badBatch("a line with a single dot behind the text of DATA")
    }

    /// Where the octets of BDAT end, and whether the message ends there, too.
    private static func chunk(
        _ arguments: ArraySlice<UInt8>,
        from start: Int,
        in octets: ArraySlice<UInt8>
    ) throws(HTTPRefusal) -> (end: Int, isLast: Bool) {
        var parser = CommandParser(arguments)
        guard let chunk = try? parser.chunk(), chunk.size <= UInt64(octets.endIndex - start) else {
            throw .badBatch("as many octets as BDAT announces")
        }
        return (start + Int(chunk.size), chunk.isLast)
    }

    /// The same with CRLF for each LF; there is no CR in it.
    private static func withCRLF(_ octets: [UInt8]) -> [UInt8] {
        var converted: [UInt8] = []
        converted.reserveCapacity(octets.count + octets.count / 32)
        for octet in octets {
            if octet == 0x0A { converted.append(0x0D) }
            converted.append(octet)
        }
        return converted
    }
}
