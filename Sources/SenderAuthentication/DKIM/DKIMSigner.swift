// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// Signs one message, whose body passes by in chunks, with one key or several (RFC 6376 §5, RFC 8463 §3).
///
/// The octets must be those that go over the wire: lines end with CRLF, and nothing is changed behind this.
///
///     var signer = DKIMSigner(header: header, settings)
///     for chunk in body { signer.update(chunk) }
///     let fields = try signer.finish(keys: keys, unixTime: now)     // go in front of the message
package struct DKIMSigner {
    /// What all messages of a domain have in common.
    package struct Settings: Sendable {
        /// The domain that takes responsibility, `d=`.
        package var domain: DomainName
        package var headerCanonicalization = Canonicalization.relaxed
        package var bodyCanonicalization = Canonicalization.relaxed
        /// How long a signature is valid, in seconds; nil for ever.
        ///
        /// It is what hinders replay (RFC 6376 §8.6).
        package var lifetime: Int64?

        package init(domain: DomainName) {
            self.domain = domain
        }
    }

    /// A key, and the name under which the domain publishes it.
    package struct Key: Sendable {
        package let selector: DomainName
        package let key: SigningKey

        package init(selector: DomainName, key: SigningKey) {
            self.selector = selector
            self.key = key
        }
    }

    /// RFC 6376 §5.4 wants a From field to sign.
    package struct NoFromField: Error {
        package init() {}
    }

    /// Signed once more than they occur: a field of these that somebody adds breaks the signature.
    package static let oversignedFields = [
        "From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "In-Reply-To", "References", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
    ]
    /// Signed where they occur; a list or a resender on the way may add its own.
    package static let signedFields = [
        "Sender", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Date", "Resent-Message-ID", "List-Id", "List-Help",
        "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
    ]

    private let settings: Settings
    private let header: SignableHeader
    private let digest: BodyDigest

    /// Begins with a message's header, with or without its empty line.
    package init(header: ArraySlice<UInt8>, _ settings: Settings) {
        self.settings = settings
        self.header = SignableHeader(header)
        self.digest = BodyDigest(BodyDigest.Kind(canonicalization: settings.bodyCanonicalization, limit: nil))
    }

    /// Takes the next octets of the body.
    package mutating func update(_ chunk: ArraySlice<UInt8>) { self.digest.update(chunk) }

    /// One DKIM-Signature field for each key, with their line ends.
    ///
    /// - Throws: ``NoFromField``, or what `OpenSSL` says.
    package mutating func finish(keys: [Key], unixTime: Int64) throws -> [UInt8] {
        guard self.header.count(of: Array("from".utf8)) > 0 else { throw NoFromField() }
        let bodyHash = self.digest.finish()
        let names = self.names
        return try keys.flatMap { key in
            let field = Self.unsignedField(
                "DKIM-Signature: v=1;",
                of: key,
                self.settings,
                bodyHash: bodyHash,
                names: names,
                unixTime: unixTime
            )
            return try Self.signed(field, names: names, of: self.header, self.settings.headerCanonicalization, key)
        }
    }

    /// An ARC-Message-Signature with its line end (RFC 8617 §4.1.2): of the fields that DKIM signs, and its signatures.
    static func arcMessageSignature(
        of header: SignableHeader,
        instance: Int,
        domain: DomainName,
        key: Key,
        bodyHash: [UInt8],
        unixTime: Int64
    ) throws -> [UInt8] {
        let settings = Settings(domain: domain)
        let names = (Self.oversignedFields + Self.signedFields + ["DKIM-Signature"]).flatMap { name in
            Array(repeating: name, count: header.count(of: Array(name.lowercased().utf8)))
        }
        let field = Self.unsignedField(
            "ARC-Message-Signature: i=\(instance);",
            of: key,
            settings,
            bodyHash: bodyHash,
            names: names,
            unixTime: unixTime
        )
        return try Self.signed(field, names: names, of: header, settings.headerCanonicalization, key)
    }

    /// The field with the signature in its `b=`, and with its line end.
    private static func signed(
        _ field: [UInt8],
        names: [String],
        of header: SignableHeader,
        _ canonicalization: Canonicalization,
        _ key: Key
    ) throws -> [UInt8] {
        let digest = header.digest(of: names.map { Array($0.lowercased().utf8) }, signature: field, canonicalization)
        return field + Self.folded(Cryptography.Base64.encode(try key.key.signature(of: digest))) + [.cr, .lf]
    }

    /// The names of `h=`.
    private var names: [String] {
        let oversigned = Self.oversignedFields.flatMap { name in
            Array(repeating: name, count: self.header.count(of: Array(name.lowercased().utf8)) + 1)
        }
        let signed = Self.signedFields.flatMap { name in
            Array(repeating: name, count: self.header.count(of: Array(name.lowercased().utf8)))
        }
        return oversigned + signed
    }

    /// The field with an empty `b=` at its end; `beginning` is its name and its first tag.
    private static func unsignedField(
        _ beginning: String,
        of key: Key,
        _ settings: Settings,
        bodyHash: [UInt8],
        names: [String],
        unixTime: Int64
    ) -> [UInt8] {
        var field = "\(beginning) a=\(DKIMSignature.Algorithm(key.key).rawValue);"
        field += " c=\(settings.headerCanonicalization.rawValue)/\(settings.bodyCanonicalization.rawValue);"
        field += "\r\n\td=\(settings.domain);\r\n\ts=\(key.selector); t=\(unixTime);"
        if let lifetime = settings.lifetime { field += " x=\(unixTime + lifetime);" }
        field += "\r\n\th="
        var column = 10
        for (index, name) in names.enumerated() {
            let text = name + (index + 1 < names.count ? ":" : ";")
            if column + text.utf8.count > 76 {
                field += "\r\n\t "
                column = 9
            }
            field += text
            column += text.utf8.count
        }
        field += "\r\n\tbh=\(String(decoding: Cryptography.Base64.encode(bodyHash), as: UTF8.self));\r\n\tb="
        return Array(field.utf8)
    }

    /// Base64 in lines of at most 76 columns.
    static func folded(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for (index, octet) in text.enumerated() {
            if index > 0, index % 66 == 0 { result += Array("\r\n\t ".utf8) }
            result.append(octet)
        }
        return result
    }
}
