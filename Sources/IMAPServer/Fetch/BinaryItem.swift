// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage

/// `BINARY[…]`, `BINARY.PEEK[…]` and `BINARY.SIZE[…]`: parts without their transfer encoding (RFC 9051 §6.4.5, RFC 3516).
///
/// What is not encoded in the first place (the whole message, a multipart, a message in a message) is told as it is. A
/// part in an encoding that is not known, or in base64 that is damaged, is refused with `UNKNOWN-CTE`, so that the client
/// falls back on `BODY[…]`. The octets are decoded twice, once to count them: the size comes first on the wire, and
/// memory does not grow with it.
struct BinaryItem: FetchItem {
    static let names = ["BINARY[", "BINARY.PEEK[", "BINARY.SIZE["]

    private let part: [UInt32]
    private let partial: Partial?
    private let setsSeen: Bool
    private let isSize: Bool

    // "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.isSize = name == "BINARY.SIZE["
        self.setsSeen = name == "BINARY["
        self.part = try parser.sectionBinary()
        self.partial = !self.isSize && parser.peek(UInt8(ascii: "<")) ? try parser.partial() : nil
    }

    var needs: FetchNeeds { self.setsSeen ? [.row, .summary, .content, .seen] : [.row, .summary, .content] }

    func prepare(_ message: inout FetchedMessage) async throws {
        guard let section = try self.octets(of: message) else { return }
        guard let measure = try await message.measure(section) else {
            throw Refusal("The part has a transfer encoding that is not known here", code: .unknownCTE)
        }
        if measure.isDamaged, section.filter == .decoding(.base64) {
            throw Refusal("The part's base64 is damaged", code: .unknownCTE)
        }
    }

    // "BINARY" section-binary ["<" number ">"] SP (nstring / literal8) / "BINARY.SIZE" section-binary SP number
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) async throws {
        output.writer.raw(self.isSize ? "BINARY.SIZE" : "BINARY")
        output.writer.sectionBinary(self.part)
        if let partial = self.partial { output.writer.partialOrigin(partial) }
        output.writer.sp()
        guard let section = try self.octets(of: message), let measure = try await message.measure(section) else {
            return self.isSize ? output.writer.number(0 as UInt32) : output.writer.nstring(nil as String?)
        }
        guard !self.isSize else { return output.writer.number(UInt64(measure.size)) }
        let wanted = self.partial?.range(in: measure.size) ?? 0..<measure.size
        try await message.writeLiteral(section, wanted, isBinary: measure.hasNUL, to: &output)
    }

    /// Nil if the message has no such part.
    private func octets(of message: FetchedMessage) throws -> SectionOctets? {
        let summary = try message.summary()
        guard !self.part.isEmpty else { return SectionOctets(range: 0..<summary.size, filter: .decoding(.binary)) }
        guard let part = summary.part(at: self.part.map { Int($0) }) else { return nil }
        guard case .leaf = part.content else {
            return SectionOctets(range: part.bodyRange, filter: .decoding(.binary))
        }
        return SectionOctets(range: part.bodyRange, filter: .decoding(TransferEncoding(part.transferEncoding)))
    }
}
