// SPDX-License-Identifier: Apache-2.0

/// Commands to send, as a client. Their arguments are values that cannot hold a line end, so none can be injected.
extension CommandLine {
    /// A command without arguments: DATA, RSET, NOOP, QUIT, STARTTLS.
    package init(verb: StaticString) {
        self.init(verb: verb.description, text: "")
    }

    private init(verb: String, text: String) {
        self.verb = verb
        self.arguments = Array(text.utf8)[...]
    }

    /// EHLO, HELO or LHLO with our own name: a domain, or an address literal.
    ///
    /// - Throws: `SyntaxError` if `name` is neither.
    package static func hello(_ verb: StaticString = "EHLO", name: String) throws(SyntaxError) -> Self {
        var parser = CommandParser(Array(name.utf8)[...])
        let host = try parser.host()
        try parser.end()
        return Self(verb: verb.description, text: host)
    }

    package static func mail(from path: Path, _ parameters: [Parameter] = []) -> Self {
        Self(verb: "MAIL", text: "FROM:\(path)\(self.written(parameters))")
    }

    package static func recipient(_ path: Path, _ parameters: [Parameter] = []) -> Self {
        Self(verb: "RCPT", text: "TO:\(path)\(self.written(parameters))")
    }

    /// The command that announces a chunk; the chunk itself follows its CRLF at once (RFC 3030 §2).
    package static func chunk(size: Int, isLast: Bool) -> Self {
        Self(verb: "BDAT", text: isLast ? "\(size) LAST" : "\(size)")
    }

    /// AUTH with an initial response in base64, `=` for an empty one (RFC 4954 §4).
    ///
    /// - Throws: `SyntaxError` if mechanism or response are not of that form.
    package static func authentication(_ mechanism: String, response: String? = nil) throws(SyntaxError) -> Self {
        let command = Self(verb: "AUTH", text: response.map { "\(mechanism) \($0)" } ?? mechanism)
        // Read back what is written: the one place where arguments are text of someone else's making.
        _ = try Self(command.octets.dropLast(2))
        var parser = CommandParser(command.arguments)
        _ = try parser.authentication()
        return command
    }

    /// The line as it is sent, with its CRLF.
    package var octets: [UInt8] {
        var octets = Array(self.verb.utf8)
        if !self.arguments.isEmpty {
            octets.append(.space)
            octets += self.arguments
        }
        return octets + [.carriageReturn, .lineFeed]
    }

    private static func written(_ parameters: [Parameter]) -> String {
        parameters.map { " \($0)" }.joined()
    }
}
