// SPDX-License-Identifier: Apache-2.0

import CZlib

/// Files of one member, compressed (RFC 1952).
package enum Gzip {
    /// The file of these octets, without a name or a date.
    package static func compress(_ octets: [UInt8]) throws(CompressionFailure) -> [UInt8] {
        // Magic, deflate, no flags, no date, no extras, an unknown system.
        var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        let deflater = try Deflater()
        var rest = octets[...]
        while !rest.isEmpty {
            file += deflater.compress(Array(rest.prefix(Self.pieceSize)))
            rest = rest.dropFirst(Self.pieceSize)
        }
        // RFC 1951 §3.2.4: a last block, which is stored and empty. The one before ended with an octet.
        file += [1, 0, 0, 0xFF, 0xFF]
        file += Checksum.octets(of: octets[...])
        file += (0..<4).map { UInt8(truncatingIfNeeded: octets.count >> (8 * $0)) }
        return file
    }

    package static func isGzip(_ file: [UInt8]) -> Bool { file.starts(with: [0x1F, 0x8B, 8]) }

    /// What is in a file; of several members, all, one behind the other.
    ///
    /// Throws ``CompressionFailure/damaged``, or ``CompressionFailure/swollen`` where that would be more than `limit` octets or
    /// the file swells more than a text does.
    package static func expand(_ file: [UInt8], limit: Int) throws(CompressionFailure) -> [UInt8] {
        var output: [UInt8] = []
        var rest = file[...]
        var members = 0
        repeat {
            members += 1
            guard members <= Self.memberLimit else { throw .damaged }
            rest = rest[try Self.endOfHeader(rest)...]
            let start = output.count
            rest = try Inflater.expand(rest, into: &output, limit: limit)
            let member = output[start...]
            guard rest.count >= 8, rest.prefix(4).elementsEqual(Checksum.octets(of: member)),
                rest.dropFirst(4).prefix(4).littleEndian == member.count & 0xFFFF_FFFF
            else { throw .damaged }
            rest = rest.dropFirst(8)
            // Some fill up the last record of a tape.
        } while rest.contains { $0 != 0 }
        return output
    }

    private static let pieceSize = 1 << 20
    /// Each costs a state of zlib's.
    private static let memberLimit = 64

    /// RFC 1952 §2.3: where the compressed octets begin.
    private static func endOfHeader(_ file: ArraySlice<UInt8>) throws(CompressionFailure) -> Int {
        var rest = file
        guard rest.starts(with: [0x1F, 0x8B, 8]), rest.count >= 10 else { throw .damaged }
        let flags = rest[rest.startIndex + 3]
        rest = rest.dropFirst(10)
        if flags & 4 != 0 {
            guard rest.count >= 2 else { throw .damaged }
            let length = rest.prefix(2).littleEndian
            guard rest.count >= 2 + length else { throw .damaged }
            rest = rest.dropFirst(2 + length)
        }
        // A name, a comment.
        for flag: UInt8 in [8, 16] where flags & flag != 0 {
            guard let end = rest.firstIndex(of: 0) else { throw .damaged }
            rest = rest[(end + 1)...]
        }
        if flags & 2 != 0 { rest = rest.dropFirst(2) }
        return rest.startIndex
    }
}

/// CRC-32, as gzip and zip have it.
enum Checksum {
    /// Least significant octet first.
    static func octets(of octets: ArraySlice<UInt8>) -> [UInt8] {
        let sum = unsafe octets.withUnsafeBufferPointer { buffer in
            // Without an address zlib says what the sum begins with, which is that of no octets.
            unsafe crc32_z(0, buffer.baseAddress, buffer.count)
        }
        return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
    }
}

extension Inflater {
    /// Expands one stream that is in memory; returns what is behind its end.
    static func expand(
        _ octets: ArraySlice<UInt8>,
        into output: inout [UInt8],
        limit: Int
    ) throws(CompressionFailure) -> ArraySlice<UInt8> {
        guard limit >= 0 else { throw .swollen }
        let inflater = try Inflater()
        var rest = octets
        while !inflater.hasEnded {
            if !inflater.hasMore {
                guard !rest.isEmpty else { throw .damaged }
                inflater.append(Array(rest.prefix(65536)))
                rest = rest.dropFirst(65536)
            }
            // One more than allowed, to see whether there is one.
            output += try inflater.next(limit: min(65536, limit - output.count + 1))
            guard output.count <= limit else { throw .swollen }
        }
        return octets.suffix(rest.count + inflater.unread)
    }
}

extension ArraySlice<UInt8> {
    /// The number that the octets are, least significant first; at most seven.
    var littleEndian: Int { self.reversed().reduce(0) { $0 << 8 | Int($1) } }
}
