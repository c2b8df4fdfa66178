// SPDX-License-Identifier: Apache-2.0

/// Makes searchable text of a part's octets as they come: transfer encoding off, UTF-8, folded (``SearchText``).
///
/// What cannot be decoded is searched as it is. The text is the same however the octets are cut.
package struct PartTextReader: ~Copyable {
    private var transfer: TransferDecoder?
    private var charset: CharsetDecoder?
    /// The beginning of a character whose end has not come yet.
    private var pending: [UInt8] = []

    package init(_ part: Part) {
        self.transfer = TransferDecoder(TransferEncoding(part.transferEncoding))
        self.charset = CharsetDecoder(label: part.contentType.parameters.value(of: "charset") ?? Array("us-ascii".utf8))
    }

    /// The text of the next octets.
    package mutating func folded(_ octets: ArraySlice<UInt8>, isLast: Bool) -> [UInt8] {
        var decoded: [UInt8] = []
        if self.transfer != nil {
            self.transfer?.decode(octets, into: &decoded)
            if isLast { self.transfer?.finish(into: &decoded) }
        } else {
            decoded = Array(octets)
        }
        var text = self.pending
        if self.charset != nil {
            self.charset?.decode(decoded[...], into: &text)
            if isLast { self.charset?.finish(into: &text) }
        } else {
            text += decoded
        }
        let complete = isLast ? text.count : Self.completeLength(of: text)
        self.pending = Array(text[complete...])
        return SearchText.folded(String(decoding: text[..<complete], as: UTF8.self))
    }

    /// How many octets there are before a character that may be cut off at the end.
    private static func completeLength(of text: [UInt8]) -> Int {
        var start = text.count
        while start > 0, text.count - start < 3, text[start - 1] & 0xC0 == 0x80 { start -= 1 }
        guard start > 0, text[start - 1] >= 0xC0 else { return text.count }
        return start - 1
    }
}
