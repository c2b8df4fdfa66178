// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// Seals one message that is passed on, whose body passes by in chunks (RFC 8617 §5.1).
///
/// Nothing of the message may change behind this.
package struct ARCSealer {
    private let domain: DomainName
    private let key: DKIMSigner.Key
    private let header: SignableHeader
    private let digest: BodyDigest

    /// Begins with the header as it goes out, with or without its empty line.
    package init(header: ArraySlice<UInt8>, domain: DomainName, key: DKIMSigner.Key) {
        self.domain = domain
        self.key = key
        self.header = SignableHeader(header)
        self.digest = BodyDigest(BodyDigest.Kind(canonicalization: .relaxed, limit: nil))
    }

    /// Takes the next octets of the body.
    package mutating func update(_ chunk: ArraySlice<UInt8>) { self.digest.update(chunk) }

    /// The ARC Set, which goes in front of the message; empty where the chain has ended.
    ///
    /// - Parameters:
    ///   - results: what was found out when the message came.
    ///   - chain: what was found out of its chain then.
    ///   - unixTime: seconds since 1970.
    /// - Returns: the fields with their line ends.
    /// - Throws: what `OpenSSL` says.
    package mutating func finish(results: AuthenticationResults, chain: ARCOutcome, unixTime: Int64) throws -> [UInt8] {
        let instance = chain.instance + 1
        guard !chain.isMarked, instance <= ARCChain.maximumSets else { return [] }
        let bodyHash = self.digest.finish()
        let results = results.arcField(instance: instance)
        let signature = try DKIMSigner.arcMessageSignature(
            of: self.header,
            instance: instance,
            domain: self.domain,
            key: self.key,
            bodyHash: bodyHash,
            unixTime: unixTime
        )
        let algorithm = DKIMSignature.Algorithm(self.key.key)
        var seal = Array("ARC-Seal: i=\(instance); a=\(algorithm.rawValue); cv=\(chain.result.rawValue);".utf8)
        seal += Array("\r\n\td=\(self.domain);\r\n\ts=\(self.key.selector); t=\(unixTime);\r\n\tb=".utf8)
        var sets: [ARCChain.Set] = []
        // A chain that is broken is not sealed with: it cannot be told what it would be (RFC 8617 §5.1.2).
        if chain.result == .pass, let before = try? ARCChain(self.header).sets { sets = before }
        var fields = HeaderParser(results + signature + seal)
        if let first = fields.next(), let second = fields.next(), let third = fields.next() {
            sets.append(ARCChain.Set(results: first, messageSignature: second, seal: third))
        }
        let digest = ARCChain.digest(of: sets, seal: seal)
        seal += DKIMSigner.folded(Cryptography.Base64.encode(try self.key.key.signature(of: digest))) + [.cr, .lf]
        return seal + signature + results
    }
}
