// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

/// Changed messages: nothing traps, and what comes out keeps its promises.
///
/// The same in every run.
@Suite("Mutations")
struct MutationTests {
    /// What breaks parsers when it turns up in the wrong place.
    private static let tokens = [
        "\r\n", "\n", "\r", "\0", "--b", "--", "--b--\r\n", "\r\n\r\n", "(", ")", "\"", "\\", "<", ">", ":", ";", ",",
        "@", "=?",
        "=?utf-8?Q?", "?=", "=", "*0*=", "*1=", "boundary=b", "Content-Type: message/rfc822\r\n\r\n",
        "Content-Type: multipart/digest; boundary=b\r\n\r\n", "\u{FF}", "[fwd:", "[", "]", "Re:", "''%", " ", "\t",
    ].map { token in octets(token) }

    private static func mutate(_ message: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var output = message
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            let start = Int.random(in: 0...output.count, using: &generator)
            let end = min(output.count, start + Int.random(in: 0...40, using: &generator))
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                output.removeSubrange(start..<end)
            case 1:
                output.insert(contentsOf: Array(output[start..<end]), at: start)
            case 2:
                output.insert(contentsOf: self.tokens.randomElement(using: &generator) ?? [], at: start)
            case 3 where start < output.count:
                output[start] = UInt8.random(in: 0...255, using: &generator)
            default:
                output.replaceSubrange(start..<end, with: self.tokens.randomElement(using: &generator) ?? [])
            }
        }
        return output
    }

    private func parse(_ octets: [UInt8], cutAt cut: Int) -> MessageSummary {
        var parser = MessageParser()
        parser.append(octets[..<cut])
        parser.append(octets[cut...])
        return parser.finish()
    }

    /// Reads whatever a message's fields can be read as.
    private func readFields(_ octets: [UInt8]) {
        for field in HeaderParser(octets) {
            var isGroup = false
            for address in AddressParser.addresses(in: field.value) {
                switch address {
                case .groupStart:
                    #expect(!isGroup)
                    isGroup = true
                case .groupEnd:
                    #expect(isGroup)
                    isGroup = false
                case .mailbox(let mailbox):
                    #expect(mailbox.addrSpec.allSatisfy { octet in octet != 10 && octet != 13 && octet != 0 })
                }
            }
            #expect(!isGroup)
            let text = EncodedWord.decode(field.value)
            #expect(text.utf8.allSatisfy { octet in octet != 10 && octet != 13 && octet != 0 })
            #expect(EncodedWord.decode(EncodedWord.encode(text)[...]).utf8.count <= 3 * text.utf8.count)
            _ = MessageDate(parsing: field.value)
            _ = MessageIdentifier.list(in: field.value)
            _ = BaseSubject(field.value)
            _ = ContentType(parsing: field.value).parameters.text(of: "name")
        }
    }

    @Test(arguments: 0..<40)
    func mutations(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let messages = try Corpus.names().map { name in try Corpus.message(name) } + MessageParserSplitTests.messages
        for _ in 0..<100 {
            let original = messages.randomElement(using: &generator) ?? []
            let octets = MutationTests.mutate(Array(original.prefix(4000)), using: &generator)
            let summary = MessageSummary(parsing: octets)
            let found = faults(of: summary)
            guard found.isEmpty else {
                Issue.record("\(found) in \(String(decoding: octets, as: UTF8.self))")
                return
            }
            #expect(self.parse(octets, cutAt: Int.random(in: 0...octets.count, using: &generator)) == summary)
            self.readFields(Array(octets.prefix(1000)))
            for encoding in [TransferEncoding.base64, .quotedPrintable] {
                let decoded = TransferDecoder.decode(octets[...], encoding) ?? []
                #expect(decoded.count <= octets.count)
                _ = Preview.text(of: decoded, isHTML: true)
            }
        }
    }
}
