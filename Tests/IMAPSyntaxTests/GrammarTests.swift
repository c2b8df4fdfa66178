// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

// The rules of RFC 9051 §9 that this module reads, with what ABNF cannot say made concrete: literals are of a few
// sizes, numbers stay within their bits, days exist, and mailbox names are such as can be.
private let grammar = #"""
    tag             = 1*( %x21 / %x23-24 / %x26-27 / %x2C-5B / %x5D-7A / %x7C-7E )
    ATOM-CHAR       = %x21 / %x23-24 / %x26-27 / %x2B-5B / %x5E-7A / %x7C-7E
    ASTRING-CHAR    = ATOM-CHAR / "]"
    atom            = 1*ATOM-CHAR
    astring         = 1*ASTRING-CHAR / string
    string          = quoted / literal
    nstring         = string / "NIL"
    quoted          = %x22 *QUOTED-CHAR %x22
    QUOTED-CHAR     = %x01-09 / %x0B-0C / %x0E-21 / %x23-5B / %x5D-7F / %x5C %x22 / %x5C %x5C / UTF8-2 / UTF8-3 / UTF8-4
    UTF8-2          = %xC2-DF UTF8-tail
    UTF8-3          = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2UTF8-tail / %xED %x80-9F UTF8-tail / %xEE-EF 2UTF8-tail
    UTF8-4          = %xF0 %x90-BF 2UTF8-tail / %xF1-F3 3UTF8-tail / %xF4 %x80-8F 2UTF8-tail
    UTF8-tail       = %x80-BF
    CRLF            = %x0D %x0A
    CHAR8           = %x01-FF
    OCTET           = %x00-FF
    literal         = "{0" ["+"] "}" CRLF / "{3" ["+"] "}" CRLF 3CHAR8 / "{10" ["+"] "}" CRLF 10CHAR8
    literal8        = "~{0" ["+"] "}" CRLF / "~{5" ["+"] "}" CRLF 5OCTET
    value           = nstring / literal8
    SP              = " "
    DIGIT           = %x30-39
    digit-nz        = %x31-39
    number          = 1*9DIGIT / "4294967295"
    nz-number       = digit-nz *8DIGIT / "4294967295"
    number64        = 1*18DIGIT / "9223372036854775807"
    nz-number64     = digit-nz *17DIGIT / "9223372036854775807"
    base64          = *(4base64-char) [base64-terminal]
    base64-char     = %x41-5A / %x61-7A / DIGIT / "+" / "/"
    base64-terminal = base64-char %x41 "==" / 2base64-char %x38 "="
    date            = date-text / %x22 date-text %x22
    date-text       = date-day "-" date-month "-" 4DIGIT
    date-day        = digit-nz / "0" digit-nz / "1" DIGIT / "2" %x30-38
    date-month      = "Jan" / "Feb" / "Mar" / "Apr" / "May" / "Jun" / "Jul" / "Aug" / "Sep" / "Oct" / "Nov" / "Dec"
    date-time       = %x22 date-day-fixed "-" date-month "-" 4DIGIT SP time SP zone %x22
    date-day-fixed  = SP digit-nz / "0" digit-nz / "1" DIGIT / "2" %x30-38 / digit-nz
    time            = two-digits-24 ":" %x30-35 DIGIT ":" %x30-35 DIGIT
    two-digits-24   = %x30-31 DIGIT / "2" %x30-33
    zone            = ("+" / "-") two-digits-24 %x30-35 DIGIT
    flag            = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
    flag-keyword    = "$MDNSent" / "$Forwarded" / atom
    flag-extension  = "\" atom
    flag-list       = "(" [flag *(SP flag)] ")"
    mailbox         = "INBOX" / level *("/" level) / %x22 wide-level *("/" wide-level) %x22
    level           = 1*( %x61-7A / DIGIT / "." / "&-" / "#" / %x26 %x41 %x4F %x6B "-." )
    wide-level      = 1*( %x20 / %x61-7A / "[" / "]" / "*" / "(" ) / 1*( UTF8-3-cjk )
    UTF8-3-cjk      = %xE4-E9 2UTF8-tail
    list-mailbox    = 1*(ATOM-CHAR / "%" / "*" / "]") / string
    seq-number      = nz-number / "*"
    seq-range       = seq-number ":" seq-number
    sequence-set    = (seq-number / seq-range / "$") ["," sequence-set]
    uid-set         = (nz-number / nz-number ":" nz-number) ["," uid-set]
    header-fld-name = 1*( %x21 / %x23-24 / %x26-27 / %x2B-39 / %x3B-5B / %x5D-7A / %x7C-7E ) / %x22 1*( %x23-39 ) %x22
    header-list     = "(" header-fld-name *(SP header-fld-name) ")"
    section         = "[" [section-spec] "]"
    section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
    section-part    = nz-number *("." nz-number)
    section-spec    = section-msgtext / (section-part ["." section-text])
    section-text    = section-msgtext / "MIME"
    section-binary  = "[" [section-part] "]"
    partial         = "<" number64 "." nz-number64 ">"
    append-urls     = 1*( [SP flag-list] [SP date-time] SP "CATENATE" SP "(" url *(SP url) ")" )
    url             = "URL" SP astring
    nested          = "(" (atom / nested) *(SP (atom / nested)) ")"
    """#

/// A rule of the grammar and what reads it.
private struct Production: CustomTestStringConvertible, Sendable {
    var rule: String
    var read: @Sendable (inout CommandParser) throws -> Void

    var testDescription: String { self.rule }

    init(_ rule: String, _ read: @escaping @Sendable (inout CommandParser) throws -> Void) {
        self.rule = rule
        self.read = read
    }
}

private let productions = [
    Production("append-urls") { parser in
        var messages = AppendMessages()
        _ = try messages.read(&parser)
        try messages.end(parser)
    },
    Production("astring") { _ = try $0.astring() },
    Production("atom") { _ = try $0.atom() },
    Production("base64") { _ = try $0.base64() },
    Production("date") { _ = try $0.date() },
    Production("date-time") { _ = try $0.dateTime() },
    Production("flag") { _ = try $0.flag() },
    Production("flag-list") { _ = try $0.flagList() },
    Production("list-mailbox") { _ = try $0.listMailbox() },
    Production("literal") { _ = try $0.literal() },
    Production("literal8") { _ = try $0.literal8() },
    Production("mailbox") { _ = try $0.mailbox() },
    Production("nested") { try $0.nestedAtoms() },
    Production("nstring") { _ = try $0.nstring() },
    Production("number") { _ = try $0.number() },
    Production("number64") { _ = try $0.number64() },
    Production("nz-number") { _ = try $0.nzNumber() },
    Production("nz-number64") { _ = try $0.nzNumber64() },
    Production("partial") { _ = try $0.partial() },
    Production("quoted") { _ = try $0.quoted() },
    Production("section") { _ = try $0.section() },
    Production("section-binary") { _ = try $0.sectionBinary() },
    Production("seq-number") { _ = try $0.oneSequenceNumber() },
    Production("sequence-set") { _ = try $0.sequenceSet().resolve(last: 7, saved: NumberSet([3...5])) },
    Production("string") { _ = try $0.string() },
    Production("tag") { _ = try $0.tag() },
    Production("uid-set") { _ = try $0.uidSet() },
    Production("value") { _ = try $0.value() },
]

@Suite("Sentences of the grammar")
struct GrammarTests {
    @Test("sentences are accepted", arguments: productions)
    fileprivate func sentences(_ production: Production) throws {
        let abnf = try ABNF(grammar)
        var random = SeededGenerator(seed: 9051)
        for _ in 0..<400 {
            let sentence = try abnf.sentence(production.rule, using: &random)
            var parser = CommandParser(sentence)
            do {
                try production.read(&parser)
                try parser.end()
            } catch {
                Issue.record("\(error) in \(text(sentence).debugDescription)")
            }
        }
    }

    @Test("mutations of them are survived", arguments: productions)
    fileprivate func mutations(_ production: Production) throws {
        let abnf = try ABNF(grammar)
        var random = SeededGenerator(seed: 3501)
        for _ in 0..<1000 {
            var sentence = try abnf.sentence(production.rule, using: &random)
            for _ in 0..<Int.random(in: 1...4, using: &random) { sentence.mutate(using: &random) }
            for encoding in [MailboxName.Encoding.modifiedUTF7, .utf8] {
                var parser = CommandParser(sentence, options: .init(encoding: encoding))
                do {
                    try production.read(&parser)
                } catch let error as SyntaxError {
                    guard error.expected.isEmpty || !(0...sentence.count ~= error.offset) else { continue }
                    Issue.record("\(error) in \(text(sentence).debugDescription)")
                }
                if !(0...sentence.count ~= parser.offset) { Issue.record("\(text(sentence).debugDescription)") }
            }
        }
    }

    @Test("whatever is fed, the framer neither traps nor keeps it all", arguments: UInt64(1)...50)
    func framing(_ seed: UInt64) throws {
        let abnf = try ABNF(grammar)
        var random = SeededGenerator(seed: seed)
        var framer = CommandFramer(limits: .init(line: 64, command: 256, literals: 4))
        for _ in 0..<200 {
            let rule = productions.randomElement(using: &random)?.rule ?? "tag"
            var piece = try abnf.sentence(rule, using: &random)
            if Bool.random(using: &random) { piece.mutate(using: &random) }
            if Int.random(in: 0..<3, using: &random) == 0 { piece += [0x0D, 0x0A] }
            framer.append(piece)
            if Int.random(in: 0..<9, using: &random) == 0 { _ = try? framer.nextLine() }
            while let event = framer.next() {
                switch event {
                case .command(let command):
                    if command.count > 64 + 256 { Issue.record("\(command.count) octets") }
                case .literal:
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: framer.gather()
                    case 1: framer.stream()
                    default: framer.refuse()
                    }
                case .octets(let octets):
                    if octets.isEmpty || octets.count > piece.count { Issue.record("\(octets.count) octets") }
                case .literalEnd, .failure: break
                }
            }
        }
    }
}

extension CommandParser {
    /// Reads lists within lists.
    ///
    ///     nested          = "(" (atom / nested) *(SP (atom / nested)) ")"
    mutating func nestedAtoms() throws(SyntaxError) {
        _ = try self.parenthesized { (parser: inout CommandParser) throws(SyntaxError) in
            if parser.peek(UInt8(ascii: "(")) { try parser.nestedAtoms() } else { _ = try parser.atom() }
        }
    }
}

extension [UInt8] {
    /// Changes, takes away, doubles or adds an octet.
    fileprivate mutating func mutate(using random: inout SeededGenerator) {
        let octet = octets("\0\r\n\"\\{}()+~*%&-,:;<>[]09aZ \u{7F}").randomElement(using: &random) ?? 0
        guard let index = self.indices.randomElement(using: &random) else {
            self.append(octet)
            return
        }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: self[index] = octet
        case 1: self[index] = UInt8.random(in: 0...255, using: &random)
        case 2: self.remove(at: index)
        case 3: self.insert(self[index], at: index)
        default: self.removeSubrange(index...)
        }
    }
}
