// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// XCLIENT, Postfix's: a proxy that has taken a client's connection says whose it is.
///
/// For addresses that the settings name, and by their connection, whatever they have said before. The client's address
/// and port count from then on, for limits, traces and logs; its name, HELO and protocol we find out ourselves. No LOGIN:
/// whoever submits has a password.
enum XClient: SMTPExtension {
    static let keyword = "XCLIENT"
    static let attributes = ["NAME", "ADDR", "PORT", "PROTO", "HELO"]

    static func ehloParameters(_ view: SMTPView) -> String? {
        view.service.options.speaksForOthers(view.connectedAddress) ? Self.attributes.joined(separator: " ") : nil
    }

    static var commands: [any SMTPCommand.Type] { [XClientCommand.self] }
}

/// XCLIENT: the session begins anew, for another client.
struct XClientCommand: SMTPCommand {
    static let name = "XCLIENT"

    /// Nil if it was not told, or is not known.
    private let address: IPAddress?
    private let port: Int?

    // "XCLIENT" 1*(SP attribute-name "=" attribute-value), values as xtext
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        let attributes = try parser.attributes()
        for attribute in attributes.all {
            guard XClient.attributes.contains(attribute.keyword) else {
                throw SyntaxError(expected: "a known attribute")
            }
            guard let value = attribute.value else { throw SyntaxError(expected: "attribute=value") }
            _ = try XText.decode(value)
        }
        self.address = try Self.address(Self.value("ADDR", attributes))
        self.port = try Self.port(Self.value("PORT", attributes))
    }

    /// The decoded value; nil if there is none, or the proxy does not know it.
    private static func value(_ keyword: String, _ attributes: Parameters) throws(SyntaxError) -> String? {
        guard let value = attributes[keyword]?.value else { return nil }
        let text = try XText.decode(value)
        return ["[UNAVAILABLE]", "[TEMPUNAVAIL]"].contains(text.uppercased()) ? nil : text
    }

    private static func address(_ text: String?) throws(SyntaxError) -> IPAddress? {
        guard let text else { return nil }
        let isMarked = text.utf8.prefix(5).elementsEqual("ipv6:".utf8) { $0 | 0x20 == $1 | 0x20 }
        return try IPAddress(parsing: isMarked ? String(text.dropFirst(5)) : text).unmapped
    }

    private static func port(_ text: String?) throws(SyntaxError) -> Int? {
        guard let text else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text) else {
            throw SyntaxError(expected: "port")
        }
        return Int(port)
    }

    func run(_ view: SMTPView) throws -> Outcome {
        guard XClient.ehloParameters(view) != nil else { throw Reply.notForOthers }
        guard view.transaction == nil else { throw Reply.nestedMail }
        return Outcome(nil, .client(address: self.address?.description, port: self.port))
    }
}
