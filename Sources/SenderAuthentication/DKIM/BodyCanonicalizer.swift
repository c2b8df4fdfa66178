// SPDX-License-Identifier: Apache-2.0

/// Makes a body canonical while it passes by, in chunks of any size (RFC 6376 §3.4.3, §3.4.4).
///
/// It holds no more back than a number of line ends and a space: nobody knows yet whether they are at the end.
struct BodyCanonicalizer: Sendable {
    private let canonicalization: Canonicalization
    /// CRLFs that go out if anything follows.
    private var heldLineEnds = 0
    /// White space before something that may be a line end; relaxed only.
    private var isSpaceHeld = false
    private var isCRHeld = false
    private var isEmpty = true

    init(_ canonicalization: Canonicalization) {
        self.canonicalization = canonicalization
    }

    /// Takes a chunk, and hands on what of it is certain, in one piece or a few.
    mutating func update(_ chunk: ArraySlice<UInt8>, emit: (ArraySlice<UInt8>) -> Void) {
        guard !chunk.isEmpty else { return }
        switch self.canonicalization {
        case .simple: self.updateSimple(chunk, emit: emit)
        case .relaxed: self.updateRelaxed(chunk, emit: emit)
        }
    }

    /// The end of the body.
    mutating func finish(emit: (ArraySlice<UInt8>) -> Void) {
        if self.isCRHeld {
            self.isCRHeld = false
            self.emitHeldLineEnds(emit)
            emit(self.isSpaceHeld ? [.space, .cr] : [.cr])
            self.isEmpty = false
        }
        // An empty body is one line end if simple, nothing if relaxed; any other ends with exactly one.
        if self.canonicalization == .simple || !self.isEmpty { emit(Self.lineEnd[...]) }
    }

    private static let lineEnd: [UInt8] = [.cr, .lf]
    private static let lineEnds = [UInt8](Array(repeatElement(Self.lineEnd, count: 1_024)).joined())

    private mutating func emitHeldLineEnds(_ emit: (ArraySlice<UInt8>) -> Void) {
        while self.heldLineEnds > 0 {
            let count = min(self.heldLineEnds, Self.lineEnds.count / 2)
            emit(Self.lineEnds[..<(2 * count)])
            self.heldLineEnds -= count
        }
    }

    /// Nothing but the line ends at the end changes, so all of the chunk before them goes on as it is.
    private mutating func updateSimple(_ chunk: ArraySlice<UInt8>, emit: (ArraySlice<UInt8>) -> Void) {
        var chunk = chunk
        if self.isCRHeld {
            self.isCRHeld = false
            if chunk.first == .lf {
                self.heldLineEnds += 1
                chunk = chunk.dropFirst()
            } else {
                self.emitHeldLineEnds(emit)
                emit([.cr])
            }
        }
        var end = chunk.endIndex
        if end > chunk.startIndex, chunk[end - 1] == .cr {
            self.isCRHeld = true
            end -= 1
        }
        var lineEnds = 0
        while end - chunk.startIndex >= 2, chunk[end - 1] == .lf, chunk[end - 2] == .cr {
            end -= 2
            lineEnds += 1
        }
        if end > chunk.startIndex {
            self.emitHeldLineEnds(emit)
            emit(chunk[..<end])
            self.isEmpty = false
        }
        self.heldLineEnds += lineEnds
    }

    private mutating func updateRelaxed(_ chunk: ArraySlice<UInt8>, emit: (ArraySlice<UInt8>) -> Void) {
        var output: [UInt8] = []
        output.reserveCapacity(chunk.count + 2)
        var index = chunk.startIndex
        while index < chunk.endIndex {
            let octet = chunk[index]
            if self.isCRHeld {
                self.isCRHeld = false
                if octet == .lf {
                    self.isSpaceHeld = false
                    self.heldLineEnds += 1
                    index += 1
                    continue
                }
                self.append([.cr], to: &output, emit: emit)
            }
            if octet == .cr {
                self.isCRHeld = true
                index += 1
            } else if octet.isBlank {
                self.isSpaceHeld = true
                index += 1
            } else {
                let start = index
                while index < chunk.endIndex, chunk[index] != .cr, !chunk[index].isBlank { index += 1 }
                self.append(chunk[start..<index], to: &output, emit: emit)
            }
        }
        if !output.isEmpty { emit(output[...]) }
    }

    /// What is no white space, and before it what was held back.
    private mutating func append(
        _ octets: ArraySlice<UInt8>,
        to output: inout [UInt8],
        emit: (ArraySlice<UInt8>) -> Void
    ) {
        if self.heldLineEnds > 0 {
            // They may be many more octets than the chunk has.
            if !output.isEmpty { emit(output[...]) }
            output.removeAll(keepingCapacity: true)
            self.emitHeldLineEnds(emit)
        }
        if self.isSpaceHeld { output.append(.space) }
        self.isSpaceHeld = false
        self.isEmpty = false
        output += octets
    }
}
