// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SenderAuthentication

/// With what submitted messages, and our own, are signed.
package struct SigningPolicy: Sendable {
    let keys: any SigningKeys
    /// How long a signature is valid, in seconds: longer than a message may be on its way (RFC 6376 §8.6).
    let lifetime: Int64

    package init(keys: any SigningKeys, lifetime: Int64) {
        self.keys = keys
        self.lifetime = lifetime
    }

    /// Those of a domain that sign; nil if there are none.
    func keys(of domain: DomainName) async throws -> [DKIMSigner.Key]? {
        let keys = try await self.keys.signingKeys(of: domain.text).filter(\.isSigning).compactMap {
            try DKIMSigner.Key(selector: $0.selector, pem: $0.pem)
        }
        return keys.isEmpty ? nil : keys
    }

    /// The fields that sign a message of our own, by the author's domain or the nearest above it that can; empty if none can.
    ///
    /// `message` is whole, its lines end with CRLF, and it changes no more.
    package func signature(
        of message: [UInt8],
        by author: DomainName,
        unixTime: Int64
    ) async throws -> [UInt8] {
        var candidate = author.text[...]
        while let domain = DomainName(candidate) {
            if let keys = try await self.keys(of: domain) {
                var settings = DKIMSigner.Settings(domain: domain)
                settings.lifetime = self.lifetime
                let end = Self.endOfHeader(message)
                var signer = DKIMSigner(header: message[..<end], settings)
                signer.update(message[end...].dropFirst(2))
                return try signer.finish(keys: keys, unixTime: unixTime)
            }
            candidate = candidate.drop { $0 != "." }.dropFirst()
        }
        return []
    }

    /// Behind the line end of the last field.
    private static func endOfHeader(_ message: [UInt8]) -> Int {
        for index in message.indices.dropLast(3) where message[index] == 13 {
            if message[index + 1] == 10, message[index + 2] == 13, message[index + 3] == 10 { return index + 2 }
        }
        return message.endIndex
    }
}
