// SPDX-License-Identifier: Apache-2.0

/// Writes responses (RFC 9051 §7, §9) into one block of octets.
///
/// It knows how values are spelled, and whole status lines; what goes into which response is the server's knowledge.
/// A session keeps one, and hands what it holds to the connection where blocks may end.
package struct ResponseWriter: Sendable {
    /// The condition of a status response (RFC 9051 §7.1).
    ///
    ///     resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text
    package enum Condition: String, Hashable, Sendable {
        case ok = "OK"
        case no = "NO"
        case bad = "BAD"
        case preauth = "PREAUTH"
        case bye = "BYE"
    }

    /// How this client reads mailbox names; ``MailboxName/Encoding/utf8`` also allows UTF-8 in quoted strings and text.
    package var encoding: MailboxName.Encoding
    /// What is written and not yet taken.
    package private(set) var octets: [UInt8] = []

    package init(encoding: MailboxName.Encoding = .modifiedUTF7) { self.encoding = encoding }

    /// Hands over what is written and begins anew.
    package mutating func take() -> [UInt8] {
        let octets = self.octets
        self.octets = []
        return octets
    }

    /// Appends octets as they are, such as the next piece of a literal.
    package mutating func append(_ octets: ArraySlice<UInt8>) { self.octets.append(contentsOf: octets) }

    /// Appends octets as they are.
    package mutating func append(_ octets: [UInt8]) { self.octets.append(contentsOf: octets) }

    /// Appends at most `count` octets, which `body` writes.
    mutating func append(_ count: Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
        self.octets.append(addingCapacity: count, initializingWith: body)
    }

    /// Appends one octet.
    package mutating func append(_ octet: UInt8) { self.octets.append(octet) }

    /// Appends grammar, such as keywords, parentheses and spaces.
    ///
    /// Nothing that comes from outside goes this way.
    package mutating func raw(_ text: String) {
        var text = text
        // In one piece: octet by octet it takes several times as long, and there are ten of these in a short response.
        // The buffer is valid for the time of the call, which is all that it is used for.
        text.withUTF8 { octets in unsafe self.octets.append(contentsOf: octets) }
    }

    /// Writes one space.
    package mutating func sp() { self.octets.append(.space) }

    /// Ends a line.
    package mutating func crlf() {
        self.octets.append(.cr)
        self.octets.append(.lf)
    }

    /// Writes the end of a command.
    ///
    ///     response-tagged = tag SP resp-cond-state CRLF
    ///
    /// - Parameters:
    ///   - tag: The tag, letter for letter as it came.
    ///   - condition: ``Condition/ok``, ``Condition/no`` or ``Condition/bad``.
    ///   - code: What a client may act upon.
    ///   - text: Words for a person; never empty, for IMAP4rev1 requires some.
    package mutating func tagged(_ tag: String, _ condition: Condition, code: ResponseCode? = nil, _ text: String) {
        self.raw(tag)
        self.status(condition, code, text)
    }

    /// Writes a status that belongs to no command, or not to its end.
    ///
    ///     response-data   = "*" SP (resp-cond-state / resp-cond-bye / …) CRLF
    package mutating func untagged(_ condition: Condition, code: ResponseCode? = nil, _ text: String) {
        self.octets.append(UInt8(ascii: "*"))
        self.status(condition, code, text)
    }

    /// Writes a response that is a number and a keyword, such as `* 23 EXISTS`.
    package mutating func untagged(_ number: UInt32, _ keyword: String) {
        self.raw("* ")
        self.number(number)
        self.sp()
        self.raw(keyword)
        self.crlf()
    }

    /// Asks for the rest of a command.
    ///
    ///     continue-req    = "+" SP (resp-text / base64) CRLF
    package mutating func continuation(_ text: String) {
        self.raw("+ ")
        self.text(text)
        self.crlf()
    }

    /// Sends a challenge of a SASL mechanism.
    ///
    ///     continue-req    = "+" SP (resp-text / base64) CRLF
    package mutating func continuation(challenge: [UInt8]) {
        self.raw("+ ")
        Base64.encode(challenge, to: &self.octets)
        self.crlf()
    }

    /// Writes items in parentheses, with one space between them.
    package mutating func list<Items: Sequence>(
        _ items: Items,
        _ write: (inout ResponseWriter, Items.Element) -> Void
    ) {
        self.octets.append(UInt8(ascii: "("))
        self.separated(items, write)
        self.octets.append(UInt8(ascii: ")"))
    }

    /// Writes items with one space between them.
    package mutating func separated<Items: Sequence>(
        _ items: Items,
        _ write: (inout ResponseWriter, Items.Element) -> Void
    ) {
        var isFirst = true
        for item in items {
            if !isFirst { self.sp() }
            isFirst = false
            write(&self, item)
        }
    }

    /// Writes words for a person; what a line cannot carry becomes `?`.
    ///
    ///     text            = 1*(TEXT-CHAR / UTF8-2 / UTF8-3 / UTF8-4)
    ///                         ; Non-ASCII text can only be returned after ENABLE IMAP4rev2 command
    package mutating func text(_ text: String) {
        let isASCIIOnly = self.encoding != .utf8
        func fits(_ octet: UInt8) -> Bool { 0x20..<0x7F ~= octet || octet >= 0x80 && !isASCIIOnly }
        if text.utf8.allSatisfy(fits) {
            self.raw(text)
        } else {
            self.octets.append(contentsOf: text.utf8.map { fits($0) ? $0 : UInt8(ascii: "?") })
        }
    }

    /// Writes everything of a status line behind its tag.
    ///
    ///     resp-text       = ["[" resp-text-code "]" SP] [text]
    private mutating func status(_ condition: Condition, _ code: ResponseCode?, _ text: String) {
        self.sp()
        self.raw(condition.rawValue)
        self.sp()
        if let code {
            self.octets.append(UInt8(ascii: "["))
            self.responseCode(code)
            self.raw("] ")
        }
        self.text(text)
        self.crlf()
    }
}
