// SPDX-License-Identifier: Apache-2.0

/// A message's header as a report returns it, taken while the message passes by.
///
/// Bounded: what is beyond ``limit`` is cut off at a line.
struct ReturnedHeader: Sendable {
    /// The most octets that are kept.
    static let limit = 64 * 1024

    private var kept: [UInt8]
    private var isCut = false

    init(_ beginning: [UInt8]) { self.kept = beginning }

    mutating func append(_ octets: ArraySlice<UInt8>) {
        guard !self.isCut else { return }
        self.kept += octets.prefix(Self.limit - self.kept.count)
        self.isCut = self.kept.count == Self.limit
    }

    var octets: [UInt8] {
        guard self.isCut, let lineFeed = self.kept.lastIndex(of: UInt8(ascii: "\n")) else { return self.kept }
        return Array(self.kept[...lineFeed])
    }
}
