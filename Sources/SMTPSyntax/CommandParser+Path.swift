// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// The argument of MAIL.
    ///
    /// Reverse-path = Path / "<>"
    package mutating func reversePath() throws(SyntaxError) -> Path {
        if self.rest.starts(with: "<>".utf8) {
            self.advance(to: self.rest.startIndex + 2)
            return .null
        }
        return .address(try self.path("Reverse-path"))
    }

    /// The argument of RCPT.
    ///
    /// Forward-path = Path ; with "<Postmaster>" (RFC 5321 §4.1.1.3), in any case
    package mutating func forwardPath() throws(SyntaxError) -> Path {
        let word = self.rest.prefix("<Postmaster>".utf8.count)
        if word.isKeyword("<POSTMASTER>") {
            self.advance(to: word.endIndex)
            return .postmaster
        }
        return .address(try self.path("Forward-path"))
    }

    /// A path that is not null.
    ///
    /// Path = "<" [ A-d-l ":" ] Mailbox ">"
    ///
    /// A-d-l = At-domain *( "," At-domain ) ; At-domain = "@" Domain
    ///
    /// The source route is read and forgotten (RFC 5321 §4.1.2, Appendix C). An address without angle brackets is
    /// refused: what would then be the address and what a parameter is anyone's guess.
    private mutating func path(_ name: String) throws(SyntaxError) -> EmailAddress {
        let start = self
        try self.octet(UInt8(ascii: "<"), name)
        if self.rest.first == .at {
            repeat {
                try self.octet(.at, "At-domain")
                _ = try self.domain()
            } while self.consume(UInt8(ascii: ","))
            try self.octet(UInt8(ascii: ":"), "A-d-l")
        }
        let address = try self.mailbox()
        try self.octet(UInt8(ascii: ">"), "closing angle bracket")
        guard self.rest.startIndex - start.rest.startIndex <= Path.limit else {
            throw start.expected("\(name) of at most \(Path.limit) octets")
        }
        return address
    }

    /// An address without angle brackets.
    ///
    /// Mailbox = Local-part "@" ( Domain / address-literal )
    package mutating func mailbox() throws(SyntaxError) -> EmailAddress {
        let start = self
        let localPart = try self.localPart()
        try self.octet(.at, "@")
        let address = EmailAddress(checkedLocalPart: localPart, domain: try self.host())
        guard address.octetCount <= EmailAddress.limit else {
            throw start.expected("Mailbox of at most \(EmailAddress.limit) octets")
        }
        return address
    }

    /// What stands before the @ of an address.
    ///
    /// Local-part = Dot-string / Quoted-string
    ///
    /// - Returns: the local part without quoting; never empty, because `""@d` names no one.
    package mutating func localPart() throws(SyntaxError) -> String {
        let start = self
        let localPart = self.rest.first == .quote ? try self.quotedString() : try self.dotString()
        guard !localPart.isEmpty else { throw start.expected("Local-part") }
        // In the form in which it would be sent on, with the least quoting.
        guard EmailAddress.written(localPart: localPart).utf8.count <= EmailAddress.localPartLimit else {
            throw start.expected("Local-part of at most \(EmailAddress.localPartLimit) octets")
        }
        return localPart
    }

    /// Atoms and single dots.
    ///
    /// Dot-string = Atom *("."  Atom)
    private mutating func dotString() throws(SyntaxError) -> String {
        var text = self
        repeat { _ = try text.atom() } while text.consume(.dot)
        // The atoms are well-formed, so the whole is.
        let dotString = String(decoding: self.rest[..<text.rest.startIndex], as: UTF8.self)
        self = text
        return dotString
    }
}
