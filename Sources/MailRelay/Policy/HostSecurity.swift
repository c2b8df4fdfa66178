// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailStorage
import SMTPSyntax

/// How TLS with one host is to be.
struct HostSecurity: Sendable {
    /// One way to connect.
    enum Way: Sendable, Hashable {
        /// Without TLS.
        case clear
        /// TLS if it is offered, whatever the certificate (RFC 7435).
        case opportunistic
        /// TLS, whatever the certificate.
        case encrypted
        /// TLS with a host that has shown who it is.
        case verified(PeerVerification)
        /// The same, from the first octet on (RFC 8314 §3.3).
        case implicit(PeerVerification)

        /// What shows who the host is, for people.
        var verifiedBy: String? {
            switch self {
            case .verified(.dane), .implicit(.dane): "DANE"
            case .verified(.verified), .implicit(.verified): "its certificate"
            case .clear, .opportunistic, .encrypted, .verified(.none), .implicit(.none): nil
            }
        }
    }

    /// What is tried, the next one when TLS has failed; never empty.
    var ways: [Way]
    /// On whose word, for reports; nil: nobody is told, for no domain has a say in it.
    var policy: TLSObservation.Policy?
    /// How many of the ways, from the first, are such as any mail for that host may go: the others are for a message that sets
    /// the domain's policy aside.
    var commonWays: Int

    init(ways: [Way], policy: TLSObservation.Policy? = nil) {
        self.ways = ways
        self.policy = policy
        self.commonWays = ways.count
    }

    /// The same, for a message that is to arrive even if that does not work.
    var relaxed: Self {
        var security = self
        security.ways += [.opportunistic, .clear].filter { !self.ways.contains($0) }
        return security
    }
}

/// Finds out how TLS with the hosts of one destination is to be, for one message.
///
/// Host by host, DANE (RFC 7672) comes before MTA-STS (RFC 8461 §2), which counts where the host has no TLSA records; without
/// either TLS is opportunistic. A message that requires TLS (RFC 8689) goes only to hosts whose names are known for sure.
struct SecurityFinder: Sendable {
    private let service: RelayService
    private let entry: QueueEntry
    private let destination: Destination
    private let route: Route
    private var sts: STSFinder.Finding?
    private let fields: TLSFields

    /// `header`: the message's, as far as it is looked at.
    init(_ service: RelayService, _ entry: QueueEntry, to destination: Destination, along route: Route, header: [UInt8])
    {
        self.service = service
        self.entry = entry
        self.destination = destination
        self.route = route
        self.fields = TLSFields(header: header)
    }

    /// How TLS with that host is to be; throws why it cannot be asked.
    ///
    /// When the task is cancelled meanwhile, what comes of it is of no use.
    mutating func security(of hop: Route.Hop) async throws(SessionFailure) -> HostSecurity {
        switch self.destination {
        case .smarthost(let number): return self.security(ofSmarthost: self.service.options.smarthost(number), hop)
        // A route has been found: the domain has A-labels.
        case .domain(let domain): return try await self.security(of: hop, in: Punycode.aLabels(of: domain) ?? domain)
        }
    }

    // MARK: Smarthosts

    private func security(ofSmarthost smarthost: Smarthost?, _ hop: Route.Hop) -> HostSecurity {
        // One that is given as an address is verified by that address.
        let verification = PeerVerification.verified(name: hop.name ?? hop.address.description)
        switch smarthost?.security ?? .startTLS {
        case .implicit: return HostSecurity(ways: [.implicit(verification)])
        case .startTLS: return HostSecurity(ways: [.verified(verification)])
        case .opportunistic where !self.entry.isStrict: return HostSecurity(ways: [.opportunistic, .clear])
        case .none where !self.entry.isStrict: return HostSecurity(ways: [.clear])
        case .opportunistic, .none: return HostSecurity(ways: [.verified(verification)])
        }
    }

    // MARK: Hosts of domains

    private mutating func security(of hop: Route.Hop, in domain: String) async throws(SessionFailure) -> HostSecurity {
        // `TLS-Required: No` (RFC 8689 §4.2.2), which REQUIRETLS overrules (§4.1); and reports about TLS must arrive where it
        // does not work (RFC 8460 §3).
        let isOptional = !self.entry.isStrict && (self.fields.isOptional || self.fields.isReport)
        guard isOptional else { return try await self.demands(on: hop, in: domain) }
        do throws(SessionFailure) {
            return try await self.demands(on: hop, in: domain).relaxed
        } catch {
            guard error.cause != .local else { throw error }
            var security = HostSecurity(ways: [.opportunistic, .clear])
            security.commonWays = 0
            return security
        }
    }

    private mutating func demands(on hop: Route.Hop, in domain: String) async throws(SessionFailure) -> HostSecurity {
        guard let name = hop.name else {
            // An address literal: nobody says anything about it, nor knows it by a name.
            guard !self.entry.isStrict else { throw .unverifiable }
            return HostSecurity(ways: [.opportunistic, .clear])
        }
        if self.route.isAuthentic, let dane = try await self.dane(hop, domain) { return dane }
        if let policy = try await self.sts(of: domain)?.policy, policy.mode != .none {
            return try self.security(by: policy, of: name, in: domain)
        }
        if self.entry.isStrict {
            guard self.route.isAuthentic else { throw .unverifiable }
            return HostSecurity(ways: [.verified(.verified(name: name))], policy: self.reported(.init(.none)))
        }
        return HostSecurity(ways: [.opportunistic, .clear], policy: self.reported(.init(.none)))
    }

    /// By the TLSA records of the host; nil if it has none (RFC 7672 §2.2).
    private mutating func dane(_ hop: Route.Hop, _ domain: String) async throws(SessionFailure) -> HostSecurity? {
        for base in hop.secureNames {
            let records: [TLSARecord]
            do throws(ResolutionFailure) {
                records = try await self.service.resolver.tlsaRecords(of: base, port: self.service.options.port)
            } catch {
                let reason = "the TLSA records of \(base): \(error.words)"
                self.observe(domain, .init(.tlsa), .invalidDNSSEC, hop, reason)
                throw .noSecureAnswer(reason)
            }
            guard !records.isEmpty else { continue }
            let told = TLSObservation.Policy(.tlsa, strings: records.map(\.text))
            // §3.2.2: where an authority vouches for the host, the names in the certificate count.
            guard let peer = DANEPeer(records: records, baseDomain: base, otherNames: [hop.name ?? base, domain]) else {
                // What is told is that, and not how TLS went (RFC 8460 §4.3.2.1).
                self.observe(domain, told, .invalidTLSA, hop, "no TLSA record of \(base) can be used")
                // §2.2: records that are of no use still say that there is TLS; that suffices unless it must be verified.
                guard self.entry.isStrict, let name = hop.name else { return HostSecurity(ways: [.encrypted]) }
                return HostSecurity(ways: [.verified(.verified(name: name))])
            }
            return HostSecurity(ways: [.verified(.dane(peer))], policy: self.reported(told))
        }
        return nil
    }

    private func security(
        by policy: STSPolicy,
        of host: String,
        in domain: String
    ) throws(SessionFailure) -> HostSecurity {
        let told = TLSObservation.Policy(.sts, strings: policy.lines, hostPatterns: policy.hosts)
        let reported = self.isReport ? nil : told
        let verified = HostSecurity.Way.verified(.verified(name: host))
        guard policy.allows(host) else {
            if !self.isReport {
                let reason = "the host is not in the policy"
                self.service.observeTLS(
                    TLSObservation(domain: domain, policy: told, result: .validationFailure, host: host, reason: reason)
                )
            }
            guard !self.entry.isStrict else { throw .requiresTLS("the domain's policy does not name this host") }
            guard policy.mode == .testing else { throw .notInPolicy }
            return HostSecurity(ways: [.opportunistic, .clear])
        }
        // What a policy under test would stop is reported, and goes on.
        let isBinding = policy.mode == .enforce || self.entry.isStrict
        return HostSecurity(ways: isBinding ? [verified] : [verified, .opportunistic, .clear], policy: reported)
    }

    /// Once for all hosts.
    private mutating func sts(of domain: String) async throws(SessionFailure) -> STSFinder.Finding? {
        if let sts = self.sts { return sts }
        guard let policies = self.service.policies else { return nil }
        let finding = try await policies.policy(of: domain, for: self.service)
        self.sts = finding
        if let trouble = finding.trouble, !self.isReport {
            let strings = finding.policy?.lines ?? []
            self.service.observeTLS(
                TLSObservation(
                    domain: domain,
                    policy: TLSObservation.Policy(.sts, strings: strings),
                    result: trouble.result,
                    reason: trouble.reason
                )
            )
        }
        return finding
    }

    // MARK: What the message says

    private var isReport: Bool { self.fields.isReport }

    /// Nil for a report about TLS: about it none is made.
    private func reported(_ policy: TLSObservation.Policy) -> TLSObservation.Policy? {
        self.isReport ? nil : policy
    }

    private func observe(
        _ domain: String,
        _ policy: TLSObservation.Policy,
        _ result: TLSObservation.Result,
        _ hop: Route.Hop,
        _ reason: String
    ) {
        guard !self.isReport else { return }
        self.service.observeTLS(
            TLSObservation(
                domain: domain,
                policy: policy,
                result: result,
                host: hop.name,
                address: hop.address,
                reason: reason
            )
        )
    }
}

extension QueueEntry {
    /// Whether the message must not go on without TLS; a report may (RFC 8689 §5).
    var isStrict: Bool { self.requiresTLS && !self.reversePath.isEmpty }
}

extension SessionFailure {
    /// A message that requires TLS has nobody to go to.
    static let unverifiable = requiresTLS("who the domain's mail hosts are cannot be verified")
}

extension TLSObservation.Result {
    /// How TLS went in a session; nil if it did not come to that.
    init?(_ failure: SessionFailure?, isSecure: Bool) {
        switch failure?.cause {
        case nil: self = isSecure ? .success : .noSTARTTLS
        case .noTLS: self = .noSTARTTLS
        case .handshake: self = .validationFailure
        case .certificate(.expired): self = .expired
        case .certificate(.otherName): self = .hostMismatch
        case .certificate(.untrusted): self = .notTrusted
        case .certificate(.noMatch), .certificate(.other): self = .validationFailure
        case .connection, .refused, .login, .outOfStep, .transaction, .local: return nil
        }
    }
}
