// SPDX-License-Identifier: Apache-2.0

/// How much a message may be changed on its way before its signature breaks (RFC 6376 §3.4).
package enum Canonicalization: String, Sendable, Hashable, CaseIterable {
    case simple
    case relaxed

    /// Appends a header field (RFC 6376 §3.4.1, §3.4.2).
    ///
    /// - Parameters:
    ///   - field: all of it, without its last line end.
    ///   - output: gets the field, and no line end behind it.
    func append(_ field: ArraySlice<UInt8>, to output: inout [UInt8]) {
        guard self == .relaxed, let colon = field.firstIndex(of: .colon) else {
            output += field
            return
        }
        for octet in field[..<colon].trimmed {
            output.append(octet >= 0x41 && octet <= 0x5A ? octet | 0x20 : octet)
        }
        output.append(.colon)
        Self.appendRelaxed(field[(colon + 1)...], to: &output)
    }

    /// Unfolded, every run of white space one space, none at either end.
    private static func appendRelaxed(_ value: ArraySlice<UInt8>, to output: inout [UInt8]) {
        let start = output.count
        var isSpaced = false
        var index = value.startIndex
        while index < value.endIndex {
            let octet = value[index]
            if octet == .cr, index + 1 < value.endIndex, value[index + 1] == .lf {
                // Unfolding takes the line end away, and leaves the white space behind it.
                index += 2
                continue
            }
            index += 1
            if octet.isBlank {
                isSpaced = true
                continue
            }
            if isSpaced, output.count > start { output.append(.space) }
            isSpaced = false
            output.append(octet)
        }
    }
}
