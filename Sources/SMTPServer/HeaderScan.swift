// SPDX-License-Identifier: Apache-2.0

/// Looks at a message's header section while its octets pass by: which fields are there, and where it ends.
///
/// Keeps nothing of the message but the first octets of the current line, and marks of loops. Whatever the octets, each is looked at once.
struct HeaderScan: Sendable {
    private enum Position {
        case lineStart
        /// Within what may be a field's name.
        case name
        /// Behind it.
        case rest
    }

    /// How many `Received` fields there are: how many hosts the message went through (RFC 5321 §6.3).
    private(set) var receivedFields = 0
    private(set) var hasDate = false
    private(set) var hasMessageID = false
    /// What stands in fields of ``LoopMarks``, as much of it as is looked at.
    private(set) var loopMarks: [UInt8] = []
    /// Whether the empty line behind the header section has begun.
    private(set) var isOver = false

    private var position = Position.lineStart
    /// In lower case, at most as long as a name that matters, and one octet more.
    private var name: [UInt8] = []
    /// Whether the current field is one of ``LoopMarks``.
    private var isLoopField = false

    /// Passes over `octets`; the index of the empty line, if the header section ends here.
    mutating func scan(_ octets: ArraySlice<UInt8>) -> Int? {
        guard !self.isOver else { return nil }
        var index = octets.startIndex
        while index < octets.endIndex {
            let octet = octets[index]
            switch (self.position, octet) {
            case (.lineStart, UInt8(ascii: "\r")), (.lineStart, UInt8(ascii: "\n")):
                self.isOver = true
                return index
            case (.lineStart, UInt8(ascii: " ")), (.lineStart, UInt8(ascii: "\t")):
                self.position = .rest
            case (.lineStart, _):
                self.name = [Self.lowercased(octet)]
                self.position = .name
                self.isLoopField = false
            case (.name, UInt8(ascii: ":")):
                self.take(self.name)
                self.position = .rest
            case (.name, UInt8(ascii: "\n")):
                self.position = .lineStart
            case (.name, UInt8(ascii: " ")), (.name, UInt8(ascii: "\t")):
                // RFC 5322 §4.5: obsolete, but a name all the same.
                break
            case (.name, _):
                if self.name.count <= Self.longestName { self.name.append(Self.lowercased(octet)) }
            case (.rest, _):
                let end = octets[index...].firstIndex(of: UInt8(ascii: "\n"))
                if self.isLoopField {
                    let room = LoopMarks.longestValue - self.loopMarks.count
                    self.loopMarks += octets[index...(end ?? octets.endIndex - 1)].prefix(room)
                }
                guard let end else { return nil }
                index = end
                self.position = .lineStart
            }
            index += 1
        }
        return nil
    }

    private static let longestName = LoopMarks.fieldName.utf8.count

    private mutating func take(_ name: [UInt8]) {
        if name.elementsEqual("received".utf8) {
            self.receivedFields += 1
        } else if name.elementsEqual("date".utf8) {
            self.hasDate = true
        } else if name.elementsEqual("message-id".utf8) {
            self.hasMessageID = true
        } else if name.elementsEqual(LoopMarks.fieldName.utf8) {
            self.isLoopField = true
        }
    }

    private static func lowercased(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }
}
