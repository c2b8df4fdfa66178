// SPDX-License-Identifier: Apache-2.0

/// A media type and its parameters (RFC 2045 §5), in the spelling of the header.
package struct ContentType: Hashable, Sendable {
    /// Such as `text`.
    package var type: [UInt8]
    /// Such as `plain`.
    package var subtype: [UInt8]
    /// In the order of the header.
    package var parameters: [ContentParameter]

    package init(type: [UInt8], subtype: [UInt8], parameters: [ContentParameter] = []) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// What has no `Content-Type` is `text/plain; charset=us-ascii` (RFC 2045 §5.2).
    package static let plainText = ContentType(
        type: Array("text".utf8),
        subtype: Array("plain".utf8),
        parameters: [ContentParameter(name: Array("charset".utf8), value: Array("us-ascii".utf8))]
    )

    /// What has none within `multipart/digest` (RFC 2046 §5.1.5).
    package static let message = ContentType(type: Array("message".utf8), subtype: Array("rfc822".utf8))

    /// What is shown for something that is not looked into.
    static let opaque = ContentType(type: Array("application".utf8), subtype: Array("octet-stream".utf8))

    /// Reads a field's value.
    ///
    ///     content := "Content-Type" ":" type "/" subtype *(";" parameter)
    ///
    /// What has no type or no subtype is taken for `text/plain`, as RFC 2045 §5.2 advises, with the parameters it has.
    package init(parsing value: ArraySlice<UInt8>) {
        var scanner = HeaderScanner(value)
        scanner.skipCFWS()
        let type = Octets.unfolded(scanner.token())
        scanner.skipCFWS()
        var subtype: [UInt8] = []
        if scanner.consume(UInt8(ascii: "/")) {
            scanner.skipCFWS()
            subtype = Octets.unfolded(scanner.token())
        }
        let isValid = !type.isEmpty && !subtype.isEmpty
        self.type = isValid ? type : ContentType.plainText.type
        self.subtype = isValid ? subtype : ContentType.plainText.subtype
        self.parameters = ParameterParser.parameters(&scanner)
    }

    /// Whether it is of that type, whatever the subtype.
    package func isType(_ type: StaticString) -> Bool {
        Octets.equal(self.type, ignoringCaseOf: type)
    }

    /// Whether it is that type and subtype.
    package func isType(_ type: StaticString, _ subtype: StaticString) -> Bool {
        self.isType(type) && Octets.equal(self.subtype, ignoringCaseOf: subtype)
    }

    /// Whether the body is a message of its own: `message/rfc822` (RFC 2046 §5.2.1), `message/global` (RFC 6532 §3.7).
    package var isMessage: Bool {
        self.isType("message", "rfc822") || self.isType("message", "global")
    }
}

/// How a part is to be presented (RFC 2183), in the spelling of the header.
package struct ContentDisposition: Hashable, Sendable {
    /// Such as `inline` or `attachment`.
    package var type: [UInt8]
    package var parameters: [ContentParameter]

    package init(type: [UInt8], parameters: [ContentParameter] = []) {
        self.type = type
        self.parameters = parameters
    }

    /// Reads a field's value.
    ///
    ///     disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)
    ///
    /// Without a type it is `attachment`, which is how an unknown one is to be treated (RFC 2183 §2.8).
    package init(parsing value: ArraySlice<UInt8>) {
        var scanner = HeaderScanner(value)
        scanner.skipCFWS()
        let type = Octets.unfolded(scanner.token())
        self.type = type.isEmpty ? Array("attachment".utf8) : type
        self.parameters = ParameterParser.parameters(&scanner)
    }
}
