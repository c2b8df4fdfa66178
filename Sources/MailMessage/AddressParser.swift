// SPDX-License-Identifier: Apache-2.0

/// Reads address lists, strict ones and those that mail is full of (RFC 5322 §3.4, §4.4).
///
///     address-list = (address *("," address)) / obs-addr-list
///     address      = mailbox / group
///     mailbox      = name-addr / addr-spec
///     name-addr    = [display-name] [CFWS] "<" [obs-route] addr-spec ">" [CFWS]
///     group        = display-name ":" [group-list] ";" [CFWS]
///
/// It never fails: what is no address is passed over. One pass, no recursion; a group inside a group ends the outer.
package struct AddressParser {
    private var scanner: HeaderScanner
    private var addresses: [Address] = []
    private var isInGroup = false

    private init(_ value: ArraySlice<UInt8>) {
        self.scanner = HeaderScanner(value)
    }

    /// The addresses in a field's value, at most about `limit` of them.
    package static func addresses(in value: ArraySlice<UInt8>, limit: Int = .max) -> [Address] {
        var parser = AddressParser(value)
        while parser.addresses.count < limit, parser.next() {}
        if parser.isInGroup {
            parser.addresses.append(.groupEnd)
        }
        return parser.addresses
    }

    package static func addresses(in value: [UInt8], limit: Int = .max) -> [Address] {
        self.addresses(in: value[...], limit: limit)
    }

    /// Reads one member of the list, or a separator; false at the end.
    private mutating func next() -> Bool {
        self.scanner.forgetComment()
        self.scanner.skipCFWS()
        guard let octet = self.scanner.current else { return false }
        switch octet {
        case Octets.comma:
            self.scanner.advance()
        case Octets.semicolon:
            self.scanner.advance()
            if self.isInGroup {
                self.addresses.append(.groupEnd)
                self.isInGroup = false
            }
        default:
            self.address()
        }
        return true
    }

    private mutating func address() {
        let words = self.words()
        switch self.scanner.current {
        case Octets.colon:
            self.scanner.advance()
            self.beginGroup(words.phrase)
        case UInt8(ascii: "<"):
            self.angleAddress(name: words.phrase)
        case UInt8(ascii: "@"):
            self.scanner.advance()
            let domain = self.domain()
            self.scanner.skipCFWS()
            if self.scanner.current == UInt8(ascii: "<") {
                // QUIRK: `user@example.org <user@example.org>`, an unquoted address for a display name, is common.
                self.angleAddress(name: words.local + [UInt8(ascii: "@")] + domain)
            } else {
                self.append(name: words.name, local: words.local, domain: domain)
            }
        case .some(let octet) where octet != Octets.comma && octet != Octets.semicolon:
            // An octet that can begin nothing, such as ")" or ">".
            self.scanner.advance()
            if !words.phrase.isEmpty {
                self.append(name: [], local: words.phrase, domain: [])
            }
        default:
            self.append(name: [], local: words.phrase, domain: [])
        }
    }

    private mutating func beginGroup(_ name: [UInt8]) {
        if self.isInGroup {
            self.addresses.append(.groupEnd)
        }
        self.isInGroup = true
        self.addresses.append(.groupStart(name))
    }

    /// Adds a mailbox in the form without angle brackets, named by the comment behind it if there is one.
    private mutating func append(name: [UInt8], local: [UInt8], domain: [UInt8]) {
        var name = name
        if name.isEmpty, let comment = self.scanner.lastComment {
            name = HeaderScanner.text(ofComment: comment)
        }
        let mailbox = AddressMailbox(name: name.isEmpty ? nil : name, localPart: local, domain: domain)
        self.addresses.append(.mailbox(mailbox))
    }

    /// Words in both of the ways they may have to be read.
    private struct Words {
        /// As `phrase`: one space wherever there was white space or a comment.
        var phrase: [UInt8] = []
        /// As `obs-local-part`: the words at the end that dots or nothing at all join.
        var local: [UInt8] = []
        /// How much of the phrase stands before the local part.
        private var nameCount = 0

        /// QUIRK: `A Name user@example.org`, without the angle brackets: what stands before the address.
        var name: [UInt8] { Array(self.phrase.prefix(self.nameCount)) }

        mutating func append(_ word: ArraySlice<UInt8>, isSpaced: Bool) {
            if isSpaced, self.local.last != UInt8(ascii: "."), word.first != UInt8(ascii: ".") {
                self.nameCount = self.phrase.count
                self.local.removeAll(keepingCapacity: true)
            }
            if isSpaced, !self.phrase.isEmpty {
                self.phrase.append(Octets.space)
            }
            self.phrase.append(contentsOf: word)
            self.local.append(contentsOf: word)
        }
    }

    /// A phrase or a local part; which of them only the octet behind it tells.
    ///
    ///     phrase         = 1*word / (word *(word / "." / CFWS))
    ///     obs-local-part = word *("." word)
    private mutating func words() -> Words {
        var words = Words()
        var isSpaced = false
        while let octet = self.scanner.current {
            if octet == Octets.quote {
                let content = self.scanner.quotedString()
                words.append(content[...], isSpaced: isSpaced)
            } else {
                let word = self.scanner.take { octet in AddressParser.isWord(octet) }
                guard !word.isEmpty else { break }
                words.append(word, isSpaced: isSpaced)
            }
            isSpaced = self.scanner.skipCFWS()
        }
        return words
    }

    /// `atext`, the "." that obsolete phrases have, and the brackets that lists put around their name.
    private static func isWord(_ octet: UInt8) -> Bool {
        octet == UInt8(ascii: ".") || octet == UInt8(ascii: "[") || octet == UInt8(ascii: "]")
            || Octets.isAtomText(octet)
    }

    /// From `<` to `>`, or as far as makes sense without one.
    ///
    ///     obs-angle-addr = [CFWS] "<" obs-route addr-spec ">" [CFWS]
    ///     obs-route      = obs-domain-list ":"
    private mutating func angleAddress(name: [UInt8]) {
        self.scanner.advance()
        self.scanner.skipCFWS()
        let route = self.route()
        var local = self.words().local
        var domain: [UInt8] = []
        // QUIRK: of several "@", the last one separates.
        var isFirst = true
        while self.scanner.consume(UInt8(ascii: "@")) {
            if !isFirst {
                local.append(UInt8(ascii: "@"))
                local.append(contentsOf: domain)
            }
            isFirst = false
            domain = self.domain()
            self.scanner.skipCFWS()
        }
        _ = self.scanner.take { octet in
            octet != UInt8(ascii: ">") && octet != Octets.comma && octet != Octets.semicolon
        }
        _ = self.scanner.consume(UInt8(ascii: ">"))
        let mailbox = AddressMailbox(
            name: name.isEmpty ? nil : name,
            route: route.isEmpty ? nil : route,
            localPart: local,
            domain: domain
        )
        self.addresses.append(.mailbox(mailbox))
    }

    /// `obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])`, and its colon.
    private mutating func route() -> [UInt8] {
        var route: [UInt8] = []
        while true {
            self.scanner.skipCFWS()
            if self.scanner.consume(Octets.comma) { continue }
            guard self.scanner.consume(UInt8(ascii: "@")) else { break }
            if !route.isEmpty {
                route.append(Octets.comma)
            }
            route.append(UInt8(ascii: "@"))
            route.append(contentsOf: self.domain())
        }
        _ = self.scanner.consume(Octets.colon)
        return route
    }

    /// A domain without its comments and white space; what is none is empty.
    ///
    ///     domain         = dot-atom / domain-literal / obs-domain
    ///     domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS]
    private mutating func domain() -> [UInt8] {
        self.scanner.skipCFWS()
        if self.scanner.current == UInt8(ascii: "[") {
            let literal = self.scanner.take { octet in octet != UInt8(ascii: "]") && octet != UInt8(ascii: ">") }
            _ = self.scanner.consume(UInt8(ascii: "]"))
            return literal.filter { octet in octet > 0x20 } + [UInt8(ascii: "]")]
        }
        var domain: [UInt8] = []
        while true {
            domain.append(contentsOf: self.scanner.take { octet in AddressParser.isDomainText(octet) })
            // A comment behind a domain that is complete may be the sender's name; the dots of obs-domain go on.
            self.scanner.skipCFWS()
            let isJoined = domain.last == UInt8(ascii: ".") || self.scanner.current == UInt8(ascii: ".")
            guard isJoined, let octet = self.scanner.current, AddressParser.isDomainText(octet) else { return domain }
        }
    }

    private static func isDomainText(_ octet: UInt8) -> Bool {
        octet == UInt8(ascii: ".") || Octets.isAtomText(octet)
    }
}
