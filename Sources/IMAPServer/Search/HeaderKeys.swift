// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// FROM, TO, CC and BCC: a string within the addresses, display names decoded.
struct AddressKey: SearchKey {
    static let names = ["BCC", "CC", "FROM", "TO"]
    private let name: String
    private let finder: SubstringFinder

    // "FROM" SP astring
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.name = name
        self.finder = try SubstringFinder(searching: &parser)
    }

    var cost: SearchCost { .summary }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let envelope = message.row?.summary?.envelope else { return false }
        let addresses =
            switch self.name {
            case "BCC": envelope.bcc
            case "CC": envelope.cc
            case "FROM": envelope.from
            default: envelope.to
            }
        return addresses.contains { address in self.finder.isIn(SearchText.of(address)) }
    }

    var term: TextTerm? { TextTerm(self.name == "FROM" ? .from : .recipients, self.finder.pattern) }
}

/// SUBJECT: a string within the decoded subject.
struct SubjectKey: SearchKey {
    static let names = ["SUBJECT"]
    private let finder: SubstringFinder

    // "SUBJECT" SP astring
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.finder = try SubstringFinder(searching: &parser)
    }

    var cost: SearchCost { .summary }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let subject = message.row?.summary?.envelope.subject else { return false }
        return self.finder.isIn(SearchText.ofField(subject[...]))
    }

    var term: TextTerm? { TextTerm(.subject, self.finder.pattern) }
}

/// HEADER: a string within a field of that name; an empty string: the field is there.
struct HeaderKey: SearchKey {
    static let names = ["HEADER"]
    /// In lower case.
    private let field: [UInt8]
    private let finder: SubstringFinder

    // "HEADER" SP header-fld-name SP astring
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.field = try parser.astring().map(Octets.lowercased)
        self.finder = try SubstringFinder(searching: &parser)
    }

    var cost: SearchCost { .header }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let header = message.header else { return false }
        return header.contains { field in field.name == self.field && self.finder.isIn(field.text) }
    }

    var term: TextTerm? { TextTerm(.header, self.finder.pattern) }
}

extension SubstringFinder {
    // SP astring
    init(searching parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        let octets = try parser.astring()
        guard let text = String(validating: octets, as: UTF8.self) else { throw parser.expected("text in UTF-8") }
        self.init(SearchText.folded(text))
    }
}
