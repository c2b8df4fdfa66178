// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// PREVIEW, RFC 8970: the first words of a message, for lists.
enum MessagePreview: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["PREVIEW"] }
    static var fetchItems: [any FetchItem.Type] { [PreviewItem.self] }
}

/// PREVIEW: text of the part that stands for the message; empty if it has none.
///
/// It is made anew each time from the first octets of that part, whatever its size: so soon that LAZY changes nothing
/// (RFC 8970 §4.1).
struct PreviewItem: FetchItem {
    static let names = ["PREVIEW"]
    /// How much of the part is looked at, in octets; a style sheet may come before the words.
    private static let octetLimit = 65536

    // "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        // What else may stand in parentheses behind the last item are FETCH's modifiers (RFC 4466 §2.4).
        guard parser.peek(keyword: " (LAZY") else { return }
        try parser.sp()
        _ = try parser.parenthesized(maximum: 16) { (parser: inout CommandParser) throws(SyntaxError) in
            try parser.expect(keyword: "LAZY")
        }
    }

    var needs: FetchNeeds { [.row, .summary, .content] }

    func prepare(_ message: inout FetchedMessage) async throws {
        // Finds out whether the message is still there, before anything is promised.
        message.preview = try await self.text(of: &message)
    }

    // "PREVIEW" SP nstring
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) {
        output.writer.raw("PREVIEW ")
        output.writer.string(message.preview)
    }

    private func text(of message: inout FetchedMessage) async throws -> String {
        guard let part = try message.summary().previewPart, var octets = message.octets else { return "" }
        var encoded: [UInt8] = []
        let range = part.bodyRange.prefix(Self.octetLimit)
        while encoded.count < range.count {
            encoded += try await octets.next(in: range.dropFirst(encoded.count))
        }
        message.octets = octets
        guard let text = TransferDecoder.decode(encoded[...], TransferEncoding(part.transferEncoding)) else {
            return ""
        }
        let label = part.contentType.parameters.value(of: "charset") ?? Array("us-ascii".utf8)
        guard let decoded = Charset.decode(text[...], label: label) else { return "" }
        return Preview.text(of: Array(decoded.utf8), isHTML: part.contentType.isType("text", "html"))
    }
}
