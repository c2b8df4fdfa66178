// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailNetwork
import MailRelay

/// What this process asks of the domain name system, with one cache for all.
struct NetworkResolver: NameResolver {
    /// The resolver to ask at this moment.
    let resolver: @Sendable () throws(ResolutionError) -> DNSResolver
    /// Whether answers are verified by DNSSEC, if they are signed.
    let verifiesNames: Bool

    /// The system's name servers, or the one of the settings.
    init(_ settings: Settings.Relay) throws {
        guard let address = settings.resolver else {
            let system = SystemResolver()
            self.verifiesNames = ResolverSettings().verifiesNames
            self.resolver = { () throws(ResolutionError) in try system.current() }
            return
        }
        // A server may serve names that the root knows nothing of: whether they are signed, only the settings can tell.
        let chosen =
            address == Settings.Relay.recursion
            ? ResolverSettings(upstream: .recursion)
            : ResolverSettings(upstream: .forwarders([address]), trustAnchorFile: settings.trustAnchor)
        self.verifiesNames = chosen.verifiesNames
        let resolver = try DNSResolver(chosen)
        self.resolver = { () throws(ResolutionError) in resolver }
    }

    func mailExchangers(of domain: String) async throws(ResolutionFailure) -> [MailExchange] {
        do {
            // What a null MX means is the router's business.
            return try await self.resolver().mailExchangers(of: domain).map {
                MailExchange(preference: $0.preference, name: $0.name, isSecure: $0.isSecure)
            }
        } catch {
            throw ResolutionFailure(error)
        }
    }

    func addresses(of host: String) async throws(ResolutionFailure) -> HostAddresses {
        do {
            let found = try await self.resolver().hostAddresses(of: host)
            return HostAddresses(found.addresses, secureNames: found.secureNames)
        } catch {
            throw ResolutionFailure(error)
        }
    }

    func tlsaRecords(of host: String, port: Int) async throws(ResolutionFailure) -> [TLSARecord] {
        guard let answer = try await self.answer("_\(port)._tcp.\(host)", .tlsa), answer.isSecure else { return [] }
        return answer.records.compactMap(TLSARecord.init(rdata:))
    }

    func texts(of name: String) async throws(ResolutionFailure) -> [[UInt8]] {
        try await self.answer(name, .txt)?.records.compactMap(RecordData.text) ?? []
    }

    /// Nil if there are no such records, or there is no such name.
    private func answer(_ name: String, _ type: RecordType) async throws(ResolutionFailure) -> DNSAnswer? {
        do throws(ResolutionError) {
            return try await self.resolver().records(of: name, type: type)
        } catch {
            guard error.isPermanent else { throw ResolutionFailure(error) }
            return nil
        }
    }
}

extension ResolutionFailure {
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as ResolutionError where error.isPermanent: self = .noSuchDomain
        case ResolutionError.bogus(let reason), ResolutionError.temporaryFailure(let reason): self = .temporary(reason)
        default: self = .temporary("\(error)")
        }
    }
}
