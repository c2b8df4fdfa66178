// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// `BODY[…]`, `BODY.PEEK[…]`, and their elders RFC822, RFC822.HEADER and RFC822.TEXT (RFC 3501 §6.4.5): octets as stored.
///
/// A section that does not exist is NIL, one that is there but empty is an empty literal; RFC 9051 does not say, and
/// Dovecot does the same. Literals of any size: the octets are never in memory together.
struct BodySectionItem: FetchItem {
    static let names = ["BODY[", "BODY.PEEK[", "RFC822", "RFC822.HEADER", "RFC822.TEXT"]

    private let section: Section
    private let partial: Partial?
    private let setsSeen: Bool
    /// The name in the response, if it is not `BODY[…]`: clients that ask by an old name look for that.
    private let oldName: String?

    // "BODY" section [partial] / "BODY.PEEK" section [partial] / "RFC822" [".HEADER" / ".TEXT"]
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        switch name {
        case "RFC822", "RFC822.TEXT":
            self.section = Section(text: name == "RFC822" ? nil : .text)
            (self.partial, self.setsSeen, self.oldName) = (nil, true, name)
        case "RFC822.HEADER":
            self.section = Section(text: .header)
            (self.partial, self.setsSeen, self.oldName) = (nil, false, name)
        default:
            self.section = try parser.section()
            self.partial = parser.peek(UInt8(ascii: "<")) ? try parser.partial() : nil
            self.setsSeen = name == "BODY["
            self.oldName = nil
        }
    }

    var needs: FetchNeeds {
        var needs: FetchNeeds = [.row, .content]
        if self.section != Section() { needs.insert(.summary) }
        if self.setsSeen { needs.insert(.seen) }
        return needs
    }

    func prepare(_ message: inout FetchedMessage) async throws {
        guard let section = try self.octets(of: message) else { return }
        if section.filter != .identity {
            _ = try await message.measure(section)
        } else {
            // Finds out whether the message is still there, before anything is promised.
            let range = self.wanted(of: section.range.count)
            let wanted = section.range.dropFirst(range.lowerBound).prefix(range.count)
            _ = try await message.octets?.next(in: wanted, most: CommandOutput.pieceSize)
        }
    }

    // "BODY" section ["<" number ">"] SP nstring / "RFC822" [".HEADER" / ".TEXT"] SP nstring
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) async throws {
        if let name = self.oldName {
            output.writer.raw(name)
        } else {
            output.writer.raw("BODY")
            output.writer.section(self.section)
            if let partial = self.partial { output.writer.partialOrigin(partial) }
        }
        output.writer.sp()
        guard let section = try self.octets(of: message) else { return output.writer.nstring(nil as String?) }
        let size = section.filter == .identity ? section.range.count : try await message.measure(section)?.size ?? 0
        try await message.writeLiteral(section, self.wanted(of: size), to: &output)
    }

    private func wanted(of size: Int) -> Range<Int> { self.partial?.range(in: size) ?? 0..<size }

    /// Nil if the message has no such section.
    private func octets(of message: FetchedMessage) throws -> SectionOctets? {
        guard self.section != Section() else { return SectionOctets(range: 0..<(try message.stored().size)) }
        return SectionOctets(self.section, of: try message.summary())
    }
}
