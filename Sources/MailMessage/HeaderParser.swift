// SPDX-License-Identifier: Apache-2.0

/// Goes through the fields of a header, in one pass.
///
///     fields = *(field-name *WSP ":" unstructured CRLF)
///
/// Ends at the empty line, or where the octets end. Lines end with CRLF or a bare LF; a line that begins with white
/// space belongs to the field before it. A line that is no field is handed out too, without a name, so that
/// nothing of a header is lost (RFC 5322 §2.2, §4.5).
package struct HeaderParser: Sequence, IteratorProtocol, Sendable {
    private let octets: ArraySlice<UInt8>
    /// Where the next field begins; after the last field, where the empty line begins or the octets end.
    package private(set) var position: Int

    package init(_ octets: ArraySlice<UInt8>) {
        self.octets = octets
        self.position = octets.startIndex
    }

    package init(_ octets: [UInt8]) {
        self.init(octets[...])
    }

    package mutating func next() -> HeaderField? {
        let start = self.position
        guard start < self.octets.endIndex, !self.isEmptyLine(at: start) else { return nil }
        var end = self.endOfLine(from: start)
        while end < self.octets.endIndex, Octets.isBlank(self.octets[end]) {
            end = self.endOfLine(from: end)
        }
        self.position = end
        return HeaderParser.field(self.octets[start..<end])
    }

    private func isEmptyLine(at index: Int) -> Bool {
        switch self.octets[index] {
        case Octets.lf: true
        case Octets.cr: index + 1 < self.octets.endIndex && self.octets[index + 1] == Octets.lf
        default: false
        }
    }

    /// The index after the line's LF.
    private func endOfLine(from index: Int) -> Int {
        guard let lineFeed = self.octets[index...].firstIndex(of: Octets.lf) else { return self.octets.endIndex }
        return lineFeed + 1
    }

    private static func field(_ octets: ArraySlice<UInt8>) -> HeaderField {
        var content = octets
        if content.last == Octets.lf {
            content = content.dropLast()
            if content.last == Octets.cr {
                content = content.dropLast()
            }
        }
        let nameEnd = content.firstIndex { octet in !Octets.isFieldName(octet) } ?? content.endIndex
        let colon = content[nameEnd...].firstIndex { octet in !Octets.isBlank(octet) }
        guard let colon, content[colon] == Octets.colon, nameEnd > content.startIndex else {
            return HeaderField(octets: octets, name: content.prefix(0), value: content)
        }
        return HeaderField(octets: octets, name: content[..<nameEnd], value: content[(colon + 1)...])
    }

    /// The first field with a name.
    package static func first(_ name: StaticString, in header: ArraySlice<UInt8>) -> HeaderField? {
        HeaderParser(header).first { field in field.isNamed(name) }
    }

    /// Those fields of a header that are, or with `matching: false` are not, among `names`; and its empty line.
    ///
    /// What `HEADER.FIELDS` and `HEADER.FIELDS.NOT` answer (RFC 9051 §6.4.5.1): fields in their order, unmodified; the
    /// empty line only if the header has it. Names compare without regard to the case of ASCII letters; a line that
    /// is no field has no name and so matches none.
    package static func subset(of header: ArraySlice<UInt8>, names: [[UInt8]], matching: Bool = true) -> [UInt8] {
        let wanted = Set(names.map { name in Octets.lowercased(name) })
        var result: [UInt8] = []
        var fields = HeaderParser(header)
        while let field = fields.next() {
            if wanted.contains(Octets.lowercased(field.name)) == matching {
                result.append(contentsOf: field.octets)
            }
        }
        result.append(contentsOf: header[fields.position...].prefix(through: Octets.lf))
        return result
    }
}

extension ArraySlice<UInt8> {
    /// Up to and with the first `octet`; empty if there is none.
    fileprivate func prefix(through octet: UInt8) -> ArraySlice<UInt8> {
        guard let index = self.firstIndex(of: octet) else { return self.prefix(0) }
        return self[...index]
    }
}
