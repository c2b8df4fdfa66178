// SPDX-License-Identifier: Apache-2.0

import Logging
import MailStorage
import SMTPSyntax
import SenderAuthentication

/// Seals a message that is sent on to others elsewhere, while it arrives (RFC 8617 §5.1): what was found out about who sent
/// it stays known where SPF fails for us, and where somebody has to change the message.
///
/// For messages that other servers bring, about whose senders we have asked. With the keys of the domain in whose name it is
/// sent on. The ARC Set goes in front of the stored message, for local recipients too: it is one message for all, and says
/// nothing that Authentication-Results does not.
struct ForwardingSeal {
    /// Longer sets are left out: a message with so many signatures makes those.
    private static let maximumFields = 16 * 1024

    private let keys: any SigningKeys
    /// Of those for whom it is sent on, each once.
    private let domains: [DomainName]
    private var header: [UInt8] = []
    private var sealer: ARCSealer?
    /// Octets of the empty line that are still to come.
    private var emptyLine = 2

    /// Nil if it is not sent on, or nobody asks who sent it.
    init?(_ view: SMTPView, _ transaction: MailTransaction, incoming: IncomingAuthentication?) {
        guard incoming != nil, let policy = view.service.signing else { return nil }
        var domains: [DomainName] = []
        for recipient in transaction.recipients where recipient.isSentOn {
            guard let domain = DomainName(recipient.address.domain), !domains.contains(domain) else { continue }
            domains.append(domain)
        }
        guard !domains.isEmpty else { return nil }
        self.keys = policy.keys
        self.domains = domains
    }

    /// Takes the next octets of the header, as it is stored behind the set.
    mutating func update(header octets: [UInt8]) {
        // Where it is longer the message is refused.
        if self.header.count <= 2 * MessageAuthentication.maximumHeader { self.header += octets }
    }

    /// The header has ended.
    ///
    /// Throws `StoreError`.
    mutating func endHeader() async throws {
        defer { self.header = [] }
        for domain in self.domains {
            let stored = try await self.keys.signingKeys(of: domain.text).filter(\.isSigning)
            // RFC 8617 §4.1.1 takes over RFC 8463, but there are still more who know only RSA.
            guard let chosen = stored.first(where: { $0.algorithm == .rsa }) ?? stored.first else { continue }
            do {
                guard let key = try DKIMSigner.Key(selector: chosen.selector, pem: chosen.pem) else { continue }
                self.sealer = ARCSealer(header: self.header[...], domain: domain, key: key)
                return
            } catch {
                // Without a seal the message is worth less, but that is no reason not to take it.
                Logger.current.error("Key cannot be used", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Takes the next octets behind the header: the empty line, then the body.
    mutating func update(_ octets: ArraySlice<UInt8>) {
        let skipped = min(self.emptyLine, octets.count)
        self.emptyLine -= skipped
        self.sealer?.update(octets.dropFirst(skipped))
    }

    /// The fields of the set; empty if nobody seals.
    mutating func finish(_ verdict: AuthenticationVerdict, unixTime: Int64) -> [UInt8] {
        do {
            let fields =
                try self.sealer?.finish(results: verdict.results, chain: verdict.arc, unixTime: unixTime) ?? []
            return fields.count <= Self.maximumFields ? fields : []
        } catch {
            // Without a seal it is worth less, but that is no reason not to take it.
            Logger.current.error("Message cannot be sealed", metadata: ["error": "\(error)"])
            return []
        }
    }
}
