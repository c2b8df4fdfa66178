// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

extension SPFOutcome {
    /// A Received-SPF field with its line end (RFC 7208 §9.1).
    ///
    ///     header-field     = "Received-SPF:" [CFWS] result FWS [comment FWS] [ key-value-list ] CRLF
    ///     key-value-list   = key-value-pair *( ";" [CFWS] key-value-pair ) [";"]
    ///     key-value-pair   = key [CFWS] "=" ( dot-atom / quoted-string )
    ///
    /// - Parameters:
    ///   - identity: what was checked.
    ///   - receiver: this server's name.
    /// - Returns: the octets of the field.
    package func receivedSPF(for identity: SPFIdentity, receiver: String) -> [UInt8] {
        var pairs = [
            ("client-ip", identity.address.description),
            ("identity", identity.kind.rawValue),
            ("helo", identity.helo),
        ]
        if identity.kind == .mailFrom { pairs.append(("envelope-from", identity.sender)) }
        if let mechanism = self.mechanism { pairs.append(("mechanism", mechanism)) }
        if let problem = self.problem { pairs.append(("problem", problem)) }
        pairs.append(("receiver", receiver))
        let list = pairs.map { "\($0.0)=\(Self.value($0.1))" }.joined(separator: ";\r\n\t")
        return Array("Received-SPF: \(self.result.rawValue)\r\n\t\(list)\r\n".utf8)
    }

    /// A value as it is, or quoted where it has to be.
    private static func value(_ text: String) -> String {
        let isDotAtom = text.utf8.split(separator: .dot, omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.allSatisfy { $0 < 0x80 && StructuredScanner.isAtomText($0) }
        }
        return isDotAtom ? text : AuthenticationResults.quoted(text)
    }
}
