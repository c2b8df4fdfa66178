// SPDX-License-Identifier: Apache-2.0

extension Reply {
    /// The longest reply line, in octets with its CRLF (RFC 5321 §4.5.3.1.5).
    package static let lineLimit = 512

    /// The reply as it is sent.
    package var octets: [UInt8] {
        var octets: [UInt8] = []
        self.write(into: &octets)
        return octets
    }

    /// Appends the reply as it is sent.
    ///
    /// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    ///
    /// textstring = 1*(%d09 / %d32-126)
    ///
    /// The enhanced status code begins each line (RFC 2034 §4). What is not printable ASCII becomes `?`, so no text can
    /// end a line or begin one; a text too long for a line goes on in another one.
    package func write(into octets: inout [UInt8]) {
        let code = Array(String(self.code).utf8)
        let prefix = self.enhanced.map { Array("\($0) ".utf8) } ?? []
        let room = Self.lineLimit - code.count - 1 - prefix.count - 2
        let texts = self.lines.flatMap { Self.folded($0, room: room) }
        for (index, text) in texts.enumerated() {
            octets += code
            octets.append(index == texts.count - 1 ? .space : .hyphen)
            octets += prefix
            octets += text
            octets.append(.carriageReturn)
            octets.append(.lineFeed)
        }
    }

    /// `line` in parts of at most `room` octets, cut behind a space where there is one.
    private static func folded(_ line: String, room: Int) -> [ArraySlice<UInt8>] {
        var rest = line.utf8.map { 0x20...0x7E ~= $0 ? $0 : UInt8(ascii: "?") }[...]
        var parts: [ArraySlice<UInt8>] = []
        while rest.count > room {
            let head = rest.prefix(room)
            let end = head.lastIndex(of: .space).map { $0 + 1 } ?? head.endIndex
            parts.append(rest[..<end])
            rest = rest[end...]
        }
        parts.append(rest)
        return parts
    }
}
