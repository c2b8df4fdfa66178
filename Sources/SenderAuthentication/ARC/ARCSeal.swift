// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// Whether a message's chain is whole (RFC 8617 §4.4).
package enum ARCResult: String, Sendable, Hashable, CaseIterable {
    /// The message has no chain.
    case none
    case pass
    case fail
}

/// An ARC-Seal field, parsed (RFC 8617 §4.1.3).
struct ARCSeal: Sendable {
    struct Fault: Error {
        let reason: String
    }

    let algorithm: DKIMSignature.Algorithm
    /// The octets of `b=`.
    let signature: [UInt8]
    let domain: DomainName
    let selector: DomainName
    /// `cv=`: what whoever sealed found of the chain before.
    let chain: ARCResult
    /// The field as it is hashed: with an empty `b=`, and without a line end.
    let unsignedField: [UInt8]

    init(_ field: HeaderField) throws(Fault) {
        guard let tags = TagList(field.value), let algorithm = tags.text("a"), let signature = tags.rawValue("b"),
            let domain = tags["d"].flatMap({ DomainName($0) }), let selector = tags["s"].flatMap({ DomainName($0) }),
            let chain = tags.text("cv").flatMap(ARCResult.init(rawValue:))
        else { throw Fault(reason: "a seal is malformed") }
        // It covers what RFC 8617 says, and its maker has no say in that.
        guard tags["h"] == nil, tags["bh"] == nil else { throw Fault(reason: "a seal with h= or bh=") }
        guard let algorithm = DKIMSignature.Algorithm(rawValue: algorithm.lowercased()) else {
            throw Fault(reason: "a seal with an algorithm that is not known")
        }
        guard let octets = Cryptography.Base64.decode(signature.withoutWhitespace), !octets.isEmpty else {
            throw Fault(reason: "a seal without a signature")
        }
        self.algorithm = algorithm
        self.signature = octets
        self.domain = domain
        self.selector = selector
        self.chain = chain
        let field = field.withoutLineEnd
        self.unsignedField = Array(field[..<signature.startIndex] + field[signature.endIndex...])
    }
}
