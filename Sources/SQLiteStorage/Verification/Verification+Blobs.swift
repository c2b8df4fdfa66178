// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import MailStorage

extension Verification {
    /// Every blob's octets: chunks in order, size, digest; and its summary.
    mutating func checkBlobs() throws {
        var last: Int64 = 0
        while true {
            // A few at a time: the findings are noted between, and there may be millions.
            let blobs = try self.sql.all(
                "SELECT id, sha256, size, front FROM blob WHERE id > ? AND sha256 IS NOT NULL ORDER BY id LIMIT 1000",
                .int(last)
            ) { row in
                (
                    id: BlobID(rawValue: row.int64(0)), digest: row.octets(1), size: row.int(2),
                    layout: ChunkLayout(front: row.int(3))
                )
            }
            guard let end = blobs.last else { return }
            last = end.id.rawValue
            for blob in blobs {
                try self.check(blob.id, digest: blob.digest, size: blob.size, blob.layout)
                self.advance()
            }
        }
    }

    private mutating func check(_ blob: BlobID, digest: [UInt8], size: Int, _ layout: ChunkLayout) throws {
        var hash = SHA256()
        var (octets, chunks) = (0, 0)
        var inOrder = true
        try self.sql.each(
            "SELECT id, octets FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id",
            .int(Chunk.first(of: blob)),
            .int(Chunk.last(of: blob))
        ) { row in
            let chunk = row.octets(1)
            // Only the last may be short, and the front has one of its own.
            if row.int64(0) != Chunk.id(blob, chunks) || octets != layout.start(of: chunks) || chunk.isEmpty {
                inOrder = false
            }
            if chunks == 0, layout.front > 0, chunk.count != layout.front { inOrder = false }
            hash.update(chunk)
            octets += chunk.count
            chunks += 1
        }
        if !inOrder { self.note("blob \(blob.rawValue): its chunks are full and without gaps") }
        if octets != size { self.note("blob \(blob.rawValue): its chunks together have its size") }
        if hash.finalize() != digest { self.note("blob \(blob.rawValue): its digest is that of its octets") }
        let summary = try self.sql.first("SELECT summary FROM blob_summary WHERE blob = ?", .int(blob.rawValue)) {
            (try? MessageSummary(decoding: $0.octets(0))) != nil
        }
        if summary == false { self.note("blob \(blob.rawValue): its summary can be read") }
    }
}
