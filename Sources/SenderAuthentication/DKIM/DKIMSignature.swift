// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// A DKIM-Signature field, parsed (RFC 6376 §3.5).
struct DKIMSignature: Sendable {
    enum Algorithm: String, Sendable {
        case rsaSHA256 = "rsa-sha256"
        case ed25519SHA256 = "ed25519-sha256"

        /// The name of its kind of keys in `k=`.
        var keyType: String { self == .rsaSHA256 ? "rsa" : "ed25519" }

        /// That of a key.
        init(_ key: SigningKey) { self = key.publicKey.algorithm == .rsa ? .rsaSHA256 : .ed25519SHA256 }
    }

    /// What is wrong with a field, and what is known of it nevertheless.
    struct Fault: Error {
        let result: DKIMResult
        let reason: String
    }

    let algorithm: Algorithm
    /// The octets of `b=`.
    let signature: [UInt8]
    /// The octets of `bh=`.
    let bodyHash: [UInt8]
    let headerCanonicalization: Canonicalization
    let body: BodyDigest.Kind
    /// The domain that takes responsibility, `d=`.
    let domain: DomainName
    /// The selector, `s=`.
    let selector: DomainName
    /// The domain of `i=`: `d=` or a name below it.
    let identityDomain: DomainName
    /// `i=` as it stands, or "@" and the domain.
    let identity: String
    /// `h=` in lower case.
    let names: [[UInt8]]
    /// When it was made, `t=`.
    let time: Int64?
    /// When it expires, `x=`.
    let expiration: Int64?
    /// The first eight characters of `b=` (RFC 6008 §4).
    let prefix: String
    /// The field as it is hashed: with an empty `b=`, and without a line end.
    let unsignedField: [UInt8]

    /// Parses and validates a field (RFC 6376 §6.1.1).
    init(_ field: HeaderField) throws(Fault) { try self.init(field, isARC: false) }

    /// Parses and validates an ARC-Message-Signature, which has no version, and whose `i=` is the instance
    /// (RFC 8617 §4.1.2).
    init(arcMessageSignature field: HeaderField) throws(Fault) {
        try self.init(field, isARC: true)
        guard !self.names.contains(where: { $0.starts(with: "arc-".utf8) }) else {
            throw Fault(result: .permerror, reason: "ARC fields signed")
        }
    }

    private init(_ field: HeaderField, isARC: Bool) throws(Fault) {
        guard let tags = TagList(field.value) else { throw Self.syntax("tags") }
        guard isARC || tags["v"].map(Array.init) == Array("1".utf8) else { throw Self.syntax("v=1") }
        guard let algorithm = tags.text("a"), let signature = tags.rawValue("b"), let bodyHash = tags["bh"],
            let domain = tags["d"], let names = tags["h"], let selector = tags["s"]
        else { throw Self.syntax("a, b, bh, d, h and s") }
        self.algorithm = try Self.algorithm(algorithm.lowercased())
        guard let signatureOctets = Cryptography.Base64.decode(signature.withoutWhitespace), !signatureOctets.isEmpty
        else {
            throw Self.syntax("base64 in b=")
        }
        guard let hashOctets = Cryptography.Base64.decode(bodyHash.withoutWhitespace),
            hashOctets.count == SHA256.digestLength
        else {
            throw Self.syntax("a SHA-256 digest in bh=")
        }
        self.signature = signatureOctets
        self.prefix = String(decoding: signature.withoutWhitespace.prefix(8), as: UTF8.self)
        self.bodyHash = hashOctets
        guard let domain = DomainName(domain), domain.labels.count > 1 else { throw Self.syntax("a domain in d=") }
        guard let selector = DomainName(selector) else { throw Self.syntax("a selector in s=") }
        self.domain = domain
        self.selector = selector
        (self.identity, self.identityDomain) = try Self.identity(isARC ? nil : tags["i"], of: domain)
        self.names = names.parts(separatedBy: .colon).map { Octets.lowercased($0) }
        guard self.names.allSatisfy({ !$0.isEmpty }) else { throw Self.syntax("names in h=") }
        // RFC 6376 §5.4: who wrote the message is the least that is signed.
        guard self.names.contains(Array("from".utf8)) else {
            throw Fault(result: .permerror, reason: "From field not signed")
        }
        let (header, body) = try Self.canonicalizations(tags.text("c") ?? "simple/simple")
        self.headerCanonicalization = header
        self.body = BodyDigest.Kind(canonicalization: body, limit: try Self.number(tags["l"], "l=", digits: 76))
        self.time = try Self.number(tags["t"], "t=", digits: 12).map(Int64.init)
        self.expiration = try Self.number(tags["x"], "x=", digits: 12).map(Int64.init)
        if let time = self.time, let expiration = self.expiration, expiration <= time {
            throw Self.syntax("x= later than t=")
        }
        // RFC 6376 §3.5, q=: methods that are not known are passed over.
        if let methods = tags["q"], !methods.parts(separatedBy: .colon).contains(Array("dns/txt".utf8)[...]) {
            throw Self.syntax("q=dns/txt")
        }
        let octets = field.withoutLineEnd
        self.unsignedField = Array(octets[..<signature.startIndex] + octets[signature.endIndex...])
    }

    private static func syntax(_ expected: String) -> Fault {
        Fault(result: .neutral, reason: "expected \(expected)")
    }

    private static func algorithm(_ name: String) throws(Fault) -> Algorithm {
        // RFC 8301 §3.1: historic.
        guard name != "rsa-sha1" else { throw Fault(result: .permerror, reason: "rsa-sha1 is no longer used") }
        guard let algorithm = Algorithm(rawValue: name) else {
            throw Fault(result: .neutral, reason: "unknown algorithm")
        }
        return algorithm
    }

    /// `i=`: its domain must be `d=` or a name below it.
    private static func identity(
        _ value: ArraySlice<UInt8>?,
        of domain: DomainName
    ) throws(Fault) -> (String, DomainName) {
        guard let value else { return ("@\(domain)", domain) }
        guard let at = value.lastIndex(of: .at), let identityDomain = DomainName(value[(at + 1)...]) else {
            throw Self.syntax("a domain in i=")
        }
        guard identityDomain.isWithin(domain) else {
            throw Fault(result: .permerror, reason: "domain mismatch of d= and i=")
        }
        return (String(decoding: value, as: UTF8.self), identityDomain)
    }

    /// What `c=` says of the header and of the body.
    ///
    ///     sig-c-tag-alg = x-sig-c-tag-alg [ "/" x-sig-c-tag-alg ]
    private static func canonicalizations(_ text: String) throws(Fault) -> (Canonicalization, Canonicalization) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let body = parts.count > 1 ? parts[1] : "simple"
        guard parts.count <= 2, let header = Canonicalization(rawValue: parts[0].lowercased()),
            let body = Canonicalization(rawValue: body.lowercased())
        else { throw Self.syntax("c= of simple and relaxed") }
        return (header, body)
    }

    /// A number of up to so many digits; one that no clock and no body reaches becomes the largest.
    private static func number(
        _ value: ArraySlice<UInt8>?,
        _ tag: String,
        digits: Int
    ) throws(Fault) -> Int? {
        guard let value else { return nil }
        guard !value.isEmpty, value.count <= digits, value.allSatisfy(\.isDigit) else {
            throw Self.syntax("a number in \(tag)")
        }
        return value.drop { $0 == UInt8(ascii: "0") }.isEmpty
            ? 0 : value.drop { $0 == UInt8(ascii: "0") }.decimal(maximumDigits: 18) ?? .max
    }
}
