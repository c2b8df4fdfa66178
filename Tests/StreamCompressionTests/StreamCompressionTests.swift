// SPDX-License-Identifier: Apache-2.0

import StreamCompression
import Testing

/// RFC 1951 in blocks, as RFC 4978 uses it.
@Suite("Compressed streams") struct StreamCompressionTests {
    private static let text = Array(
        (0..<500).map { "* \($0) FETCH (UID \($0 * 3) FLAGS (\\Seen))\r\n" }.joined().utf8
    )

    /// All that an inflater has to give, asked for in pieces.
    private func drained(_ inflater: Inflater, limit: Int = 1000) throws -> [UInt8] {
        var output: [UInt8] = []
        while inflater.hasMore {
            let piece = try inflater.next(limit: limit)
            #expect(piece.count <= limit)
            output += piece
        }
        return output
    }

    @Test("what was compressed comes back, block by block", arguments: [1, 7, 1000, 100_000])
    func roundTrip(_ size: Int) throws {
        let (deflater, inflater) = (try Deflater(), try Inflater())
        for start in stride(from: 0, to: Self.text.count, by: size).prefix(200) {
            let block = Array(Self.text[start..<min(start + size, Self.text.count)])
            inflater.append(deflater.compress(block))
            #expect(try self.drained(inflater) == block)
        }
    }

    @Test("however the octets come, and however few are asked for", arguments: [1, 2, 3, 4096])
    func splits(_ size: Int) throws {
        let compressed = try Deflater().compress(Self.text)
        #expect(compressed.count < Self.text.count / 2)
        let inflater = try Inflater()
        var output: [UInt8] = []
        for start in stride(from: 0, to: compressed.count, by: size) {
            inflater.append(Array(compressed[start..<min(start + size, compressed.count)]))
            output += try self.drained(inflater, limit: size)
        }
        #expect(output == Self.text)
    }

    @Test("large blocks, also those that cannot be compressed")
    func large() throws {
        var state: UInt64 = 1
        let noise = (0..<300_000).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        let (deflater, inflater) = (try Deflater(), try Inflater())
        for block in [noise, Self.text, noise] {
            inflater.append(deflater.compress(block))
            #expect(try self.drained(inflater, limit: 16384) == block)
        }
    }

    @Test("the length of a block tells nothing about another (CRIME)")
    func blocksAreApart() throws {
        let deflater = try Deflater()
        let secret = Array("Your code is 4711-0815-secret".utf8)
        _ = deflater.compress(secret)
        let right = deflater.compress(Array("guess: 4711-0815-secret".utf8))
        _ = deflater.compress(Array("something else altogether 12".utf8))
        let other = deflater.compress(Array("guess: 4711-0815-secret".utf8))
        #expect(right == other)
    }

    @Test("nothing is nothing")
    func empty() throws {
        #expect(try Deflater().compress([]).isEmpty)
        let inflater = try Inflater()
        inflater.append([])
        #expect(!inflater.hasMore)
        #expect(try inflater.next(limit: 10).isEmpty)
    }

    @Test("a stream that ends has given all that it had; behind it there is nothing", arguments: [1, 3, 1000])
    func end(_ limit: Int) throws {
        // One stored block, which is the last.
        let octets: [UInt8] = [0x01, 0x03, 0x00, 0xFC, 0xFF, 0x61, 0x62, 0x63]
        let inflater = try Inflater()
        inflater.append(octets)
        #expect(try self.drained(inflater, limit: limit) == Array("abc".utf8))
        #expect(inflater.hasEnded && !inflater.hasMore)
        inflater.append([0x00])
        #expect(inflater.hasMore)
        #expect(throws: CompressionFailure.damaged) { try inflater.next(limit: 10) }
    }

    @Test("octets that are no DEFLATE, and streams that end before their octets do")
    func damaged() throws {
        for octets in [Array("a1 NOOP\r\n".utf8), [0xFF, 0xFF, 0xFF], [0x06], [0x03, 0x00]] as [[UInt8]] {
            let inflater = try Inflater()
            inflater.append(octets + Array(repeating: 0xFF, count: 20))
            #expect(throws: CompressionFailure.damaged) { try self.drained(inflater) }
        }
    }

    @Test("a block that is cut off gives what it has, and waits")
    func cutOff() throws {
        let compressed = try Deflater().compress(Self.text)
        let inflater = try Inflater()
        inflater.append(Array(compressed.dropLast(10)))
        let part = try self.drained(inflater)
        #expect(Self.text.starts(with: part))
        inflater.append(Array(compressed.suffix(10)))
        #expect(part + (try self.drained(inflater)) == Self.text)
    }

    @Test("octets that swell are not read on, and never held in memory together")
    func bomb() throws {
        let compressed = try Deflater().compress(Array(repeating: 0, count: 64 << 20))
        let inflater = try Inflater()
        inflater.append(compressed)
        var count = 0
        let failure = #expect(throws: CompressionFailure.self) {
            while inflater.hasMore { count += try inflater.next(limit: 16384).count }
        }
        #expect(failure == .swollen)
        #expect(count < 32 << 20)
    }

    @Test("blocks without octets, one after the other, cost no more than their length")
    func emptyBlocks() throws {
        // Stored blocks of length zero.
        let octets = Array(repeatElement([0x00, 0x00, 0x00, 0xFF, 0xFF] as [UInt8], count: 200_000).joined())
        let inflater = try Inflater()
        inflater.append(octets)
        #expect(try self.drained(inflater).isEmpty)
    }
}
