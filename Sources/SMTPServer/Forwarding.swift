// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SenderAuthentication

/// Mail that is sent on to addresses elsewhere, and the reports about it that come back.
extension SMTPService {
    /// What a message with that reverse-path is sent on as, for an address at `domain`, which is ours; nil: to nobody.
    ///
    /// Our own users' paths, and the null one, stay as they are. Where a rewritten path would be too long, reports go to
    /// who answers for the domain. Throws ``StoreError``.
    func forward(
        _ targets: [ForwardAddress],
        reversePath: Path,
        domain: String
    ) async throws -> MailTransaction.Forward? {
        guard !targets.isEmpty else { return nil }
        let addresses = try targets.map { target in
            do {
                return try EmailAddress(localPart: target.localPart, domain: target.domain)
            } catch {
                throw StoreError.corrupt("expected an address as a target of an alias")
            }
        }
        return MailTransaction.Forward(
            reversePath: try await self.forwardingPath(reversePath, domain: domain),
            addresses: addresses
        )
    }

    private func forwardingPath(_ path: Path, domain: String) async throws -> String {
        guard let sender = path.address else { return "" }
        let route = try await self.directory.route(localPart: sender.localPart, domain: sender.domain)
        guard case .remote = route else { return sender.description }
        let now = UnixTime(self.time.unixTime())
        return self.rewriting.rewritten(sender, domain: domain, at: now)?.description ?? "postmaster@\(domain)"
    }

    /// What a rewritten address at a domain of ours stands for.
    func origin(of address: EmailAddress) -> SenderRewriting.Origin {
        self.rewriting.origin(of: address, at: UnixTime(self.time.unixTime()))
    }

    /// Where a report to an address goes that was a message's reverse-path: a rewritten one leads to the sender.
    ///
    /// `domain` is in lower case. Throws ``StoreError``.
    package func reportRoute(localPart: String, domain: String) async throws -> RecipientRoute {
        let route = try await self.directory.route(localPart: localPart, domain: domain)
        guard route != .remote, let address = try? EmailAddress(localPart: localPart, domain: domain) else {
            return route
        }
        switch self.origin(of: address) {
        case .itself: return route
        case .invalid: return .unknownMailbox
        case .address(let sender):
            let route = try await self.directory.route(localPart: sender.localPart, domain: sender.domain)
            guard case .remote = route else { return route }
            return .local([], forwards: [ForwardAddress(localPart: sender.localPart, domain: sender.domain)])
        }
    }
}
