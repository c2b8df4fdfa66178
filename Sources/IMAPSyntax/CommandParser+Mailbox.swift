// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// Reads the name of a mailbox.
    ///
    ///     mailbox         = "INBOX" / astring
    ///
    /// Throws ``SyntaxError/Kind/mailboxName`` where the string is well-formed but can name no mailbox.
    package mutating func mailbox() throws(SyntaxError) -> MailboxName {
        let start = self.offset
        let octets = try self.astring()
        do {
            return try MailboxName(octets, encoding: self.options.encoding)
        } catch {
            throw SyntaxError(expected: error.expected, offset: start, kind: .mailboxName)
        }
    }

    /// Reads the name of a mailbox, or the empty string, which is nil and means the server (RFC 5464 §5).
    package mutating func mailboxOrServer() throws(SyntaxError) -> MailboxName? {
        var ahead = self
        if try ahead.astring().isEmpty {
            self = ahead
            return nil
        }
        return try self.mailbox()
    }

    /// Reads the reference name of LIST: any string, also an empty one, decoded to UTF-8.
    ///
    /// nil where it is not in the encoding of mailbox names: then it refers to nothing, and LIST answers nothing
    /// (RFC 9051 §6.3.9).
    package mutating func listReference() throws(SyntaxError) -> [UInt8]? {
        MailboxName.decode(try self.astring(), encoding: self.options.encoding)
    }

    /// Reads a mailbox name with wildcards, decoded to UTF-8, to be made a ``ListPattern``; nil matches nothing.
    ///
    ///     list-mailbox    = 1*list-char / string
    ///
    /// Decoding adds no wildcards, for modified UTF-7 must not encode ASCII.
    package mutating func listMailbox() throws(SyntaxError) -> [UInt8]? {
        if self.peek(.quote) || self.peek(UInt8(ascii: "{")) { return try self.listReference() }
        let octets = self.take(while: \.isListCharacter)
        guard !octets.isEmpty else { throw self.expected("list-mailbox") }
        return MailboxName.decode(Array(octets), encoding: self.options.encoding)
    }
}
