// SPDX-License-Identifier: Apache-2.0

/// Archives of PKWARE's kind ("APPNOTE.TXT", ISO/IEC 21320-1) with one file in them, as some send reports.
package enum ZipArchive {
    package static func isZip(_ archive: [UInt8]) -> Bool { archive.starts(with: [0x50, 0x4B, 3, 4]) }

    /// The only file of an archive, whatever its name.
    ///
    /// Throws ``CompressionFailure/damaged`` for an archive with more than one file, or one that is encrypted, or compressed
    /// by other means than deflate; ``CompressionFailure/swollen`` as ``Gzip/expand(_:limit:)``.
    package static func expandOnlyFile(of archive: [UInt8], limit: Int) throws(CompressionFailure) -> [UInt8] {
        let entry = try Self.onlyEntry(of: archive)
        // The name and the extra field may be longer here than in the directory.
        let local = archive[entry.offset...]
        guard local.starts(with: [0x50, 0x4B, 3, 4]), local.count >= 30 else { throw .damaged }
        let start = entry.offset + 30 + Self.number(local, at: 26, 2) + Self.number(local, at: 28, 2)
        guard start <= archive.count, archive.count - start >= entry.packedSize else { throw .damaged }
        let packed = archive[start..<(start + entry.packedSize)]
        guard entry.size <= limit else { throw .swollen }
        var output: [UInt8] = []
        switch entry.method {
        case 0: output = Array(packed)
        case 8: guard try Inflater.expand(packed, into: &output, limit: limit).isEmpty else { throw .damaged }
        default: throw .damaged
        }
        guard output.count == entry.size, Checksum.octets(of: output[...]).elementsEqual(entry.checksum) else {
            throw .damaged
        }
        return output
    }

    private struct Entry {
        var method: Int
        var checksum: ArraySlice<UInt8>
        var packedSize: Int
        var size: Int
        /// Of its local header.
        var offset: Int
    }

    /// The only entry of the directory, which stands at the end: what is in front of a file may not know its size.
    private static func onlyEntry(of archive: [UInt8]) throws(CompressionFailure) -> Entry {
        guard let end = Self.endRecord(of: archive) else { throw .damaged }
        guard Self.number(end, at: 10, 2) == 1 else { throw .damaged }
        let start = Self.number(end, at: 16, 4)
        guard start < end.startIndex, end.startIndex - start >= 46 else { throw .damaged }
        let entry = archive[start..<end.startIndex]
        guard entry.starts(with: [0x50, 0x4B, 1, 2]), Self.number(entry, at: 8, 2) & 1 == 0 else { throw .damaged }
        let offset = Self.number(entry, at: 42, 4)
        guard offset < start else { throw .damaged }
        return Entry(
            method: Self.number(entry, at: 10, 2),
            checksum: entry.dropFirst(16).prefix(4),
            packedSize: Self.number(entry, at: 20, 4),
            size: Self.number(entry, at: 24, 4),
            offset: offset
        )
    }

    /// The record at the very end, before which at most a comment of 65535 octets may stand, that it counts.
    private static func endRecord(of archive: [UInt8]) -> ArraySlice<UInt8>? {
        guard archive.count >= 22 else { return nil }
        for start in stride(from: archive.count - 22, through: max(0, archive.count - 22 - 65535), by: -1)
        where archive[start] == 0x50 && archive[start...].starts(with: [0x50, 0x4B, 5, 6]) {
            let record = archive[start...]
            if Self.number(record, at: 20, 2) == record.count - 22 { return record }
        }
        return nil
    }

    private static func number(_ octets: ArraySlice<UInt8>, at offset: Int, _ count: Int) -> Int {
        octets.dropFirst(offset).prefix(count).littleEndian
    }
}
