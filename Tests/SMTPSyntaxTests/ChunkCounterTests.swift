// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 3030 §2 Chunks") struct ChunkCounterTests {
    @Test("Exactly the declared octets are taken, whatever they are, at every split")
    func everySplit() {
        let input = [UInt8]("a\n\r.\r\n.\r\n\0\u{FF}QUIT\r\n")
        let size = input.count - 6
        for buffers in cuts(input) {
            var framer = LineFramer()
            var counter = ChunkCounter(size: UInt64(size), isLast: true)
            var chunk: [UInt8] = []
            for buffer in buffers {
                framer.append(buffer)
                while let run = framer.nextChunk(&counter) { chunk += run }
            }
            #expect(chunk == Array(input[..<size]))
            #expect(counter.isComplete)
            #expect((try? framer.nextLine()).map { $0.map(Array.init)?.text } == "QUIT")
        }
    }

    @Test("BDAT 0 LAST is complete at once")
    func empty() {
        var counter = ChunkCounter(size: 0, isLast: true)
        var unread = [UInt8]("QUIT\r\n")[...]
        #expect(counter.isComplete)
        #expect(counter.take(from: &unread) == nil)
        #expect(unread.count == 6)
    }

    @Test("A chunk that is shorter than declared stays incomplete", arguments: [6, 1 << 31, 1 << 63, .max] as [UInt64])
    func short(size: UInt64) {
        var counter = ChunkCounter(size: size, isLast: false)
        var unread = [UInt8]("12345")[...]
        #expect(counter.take(from: &unread)?.count == 5)
        #expect(!counter.isComplete)
        #expect(counter.remaining == size - 5)
        #expect(counter.take(from: &unread) == nil)
    }

    @Test("A hundred thousand chunks of one octet in one buffer take linear time", .timeLimit(.minutes(20)))
    func manySmallChunks() throws {
        var framer = LineFramer()
        framer.append([UInt8](String(repeating: "BDAT 1\r\nx", count: 100_000)))
        var taken = 0
        while let line = try framer.nextLine() {
            var parser = CommandParser(try CommandLine(line).arguments)
            var counter = try parser.chunk()
            taken += framer.nextChunk(&counter)?.count ?? 0
        }
        #expect(taken == 100_000)
    }
}
