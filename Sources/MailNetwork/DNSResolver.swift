// SPDX-License-Identifier: Apache-2.0

/// The domain name system, by libunbound: recursive or through forwarders, with a cache, and with DNSSEC where there is a
/// trust anchor.
///
/// Lookups never block an event loop: libunbound works on a thread of its own. The hosts file is not consulted: mail goes
/// where the name system says.
package final class DNSResolver: Sendable {
    private let settings: ResolverSettings
    private let context: ResolverContext
    /// What is done where the upstream passes on no signatures; nil: every answer that should be signed and is not, is bogus.
    private let unsigned: UnsignedUpstream?

    /// Opens a resolver with an empty cache.
    ///
    /// - Throws: ``ResolverSettings/Fault`` if libunbound cannot use the settings.
    package init(_ settings: ResolverSettings = ResolverSettings()) throws(ResolverSettings.Fault) {
        self.settings = settings
        self.context = try ResolverContext(settings)
        let validates = settings.usableTrustAnchorFile != nil
        self.unsigned = settings.toleratesUnsignedUpstream && validates ? UnsignedUpstream(settings) : nil
    }

    /// The records of one type that a name has; aliases are followed.
    ///
    /// - Parameters:
    ///   - name: a domain name in ASCII (internationalized names as A-labels), with or without the last dot.
    ///   - type: the record type.
    /// - Returns: at least one record, and no more than ``ResolverSettings/maximumRecords``.
    /// - Throws: ``ResolutionError``.
    package func records(of name: String, type: RecordType) async throws(ResolutionError) -> DNSAnswer {
        guard let name = DomainName(name) else { throw .invalidName }
        return try await self.resolve(name, type)
    }

    /// The same for a name that may have labels of any octets, as the macros of SPF make them; without the last dot.
    package func records(
        ofAnyName name: some Collection<UInt8>,
        type: RecordType
    ) async throws(ResolutionError) -> DNSAnswer {
        guard let name = DomainName(anyOctets: name) else { throw .invalidName }
        return try await self.resolve(name, type)
    }

    private func resolve(_ name: DomainName, _ type: RecordType) async throws(ResolutionError) -> DNSAnswer {
        if let plain = self.unsigned?.current {
            return try await plain.resolve(name, type: type, settings: self.settings)
        }
        do {
            let answer = try await self.context.resolve(name, type: type, settings: self.settings)
            if answer.isSecure { self.unsigned?.sawSignature() }
            return answer
        } catch {
            guard case .bogus = error, let plain = await self.unsigned?.resolver(beside: self.context) else {
                throw error
            }
            return try await plain.resolve(name, type: type, settings: self.settings)
        }
    }

    /// The hosts that take a domain's mail (RFC 5321 §5.1), the most preferred first.
    ///
    /// - Returns: an empty list if the domain exists and has no MX record: then its own address is to be used. A single
    ///   exchanger ``MailExchanger/isNull`` if the domain takes no mail (RFC 7505).
    /// - Throws: ``ResolutionError``; never `.noRecords`.
    package func mailExchangers(of domain: String) async throws(ResolutionError) -> [MailExchanger] {
        let answer: DNSAnswer
        do throws(ResolutionError) {
            answer = try await self.records(of: domain, type: .mx)
        } catch .noRecords {
            return []
        }
        let exchangers = answer.records.compactMap { MailExchanger(rdata: $0, isSecure: answer.isSecure) }
        // A list of which nothing can be understood is no proof that there are no exchangers.
        guard !exchangers.isEmpty else { throw .temporaryFailure(reason: "no MX record could be understood") }
        return exchangers.sorted { $0.preference < $1.preference }
    }

    /// The numeric addresses of a host, those of IPv6 first.
    ///
    /// - Throws: ``ResolutionError``: `.temporaryFailure` also if there are no addresses of one kind, and whether there
    ///   are any of the other could not be found out.
    package func addresses(of host: String) async throws(ResolutionError) -> [String] {
        try await self.hostAddresses(of: host).addresses
    }

    /// The same, and what DNSSEC says about them.
    ///
    /// - Returns: never without addresses. `secureNames`: if DNSSEC proves all of them, the host's names: the one it is an
    ///   alias of first, and its own; else empty.
    /// - Throws: as ``addresses(of:)``.
    package func hostAddresses(
        of host: String
    ) async throws(ResolutionError) -> (addresses: [String], secureNames: [String]) {
        async let six = self.outcome(of: host, type: .aaaa)
        async let four = self.outcome(of: host, type: .a)
        var addresses: [String] = []
        var names: [String]?
        var isAlias = false
        var failure: ResolutionError?
        for outcome in await [six, four] {
            switch outcome {
            case .success(let answer):
                addresses += answer.records.compactMap(IPAddress.text(rdata:))
                let answered = [answer.canonicalName, host].compactMap { $0 }
                names = answer.isSecure ? names ?? answered : []
                isAlias = isAlias || answer.canonicalName != nil
            case .failure(let error):
                if failure == nil || !error.isPermanent { failure = error }
            }
        }
        guard addresses.isEmpty else {
            return (addresses, isAlias && names?.isEmpty == true ? await self.secureAlias(host) : names ?? [])
        }
        throw failure ?? .temporaryFailure(reason: "no address record could be understood")
    }

    /// The name itself if it is an alias that is signed, though what it leads to is not (RFC 7672 §2.2.2); else nothing.
    private func secureAlias(_ host: String) async -> [String] {
        guard case .success(let answer) = await self.outcome(of: host, type: .cname), answer.isSecure else { return [] }
        return [host]
    }

    private func outcome(of name: String, type: RecordType) async -> Result<DNSAnswer, ResolutionError> {
        do throws(ResolutionError) {
            return .success(try await self.records(of: name, type: type))
        } catch {
            return .failure(error)
        }
    }
}

/// A DNS record type (IANA, "Resource Record (RR) TYPEs").
package struct RecordType: RawRepresentable, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let a = RecordType(rawValue: 1)
    package static let cname = RecordType(rawValue: 5)
    package static let ptr = RecordType(rawValue: 12)
    package static let mx = RecordType(rawValue: 15)
    package static let txt = RecordType(rawValue: 16)
    package static let aaaa = RecordType(rawValue: 28)
    package static let dnskey = RecordType(rawValue: 48)
    package static let tlsa = RecordType(rawValue: 52)
}

/// What the name system says.
package struct DNSAnswer: Sendable, Equatable {
    /// The RDATA of each record as in RFC 1035 §3.3, with names uncompressed.
    package let records: [[UInt8]]
    /// The name that has them, if the one asked for is an alias of it; without the last dot.
    package var canonicalName: String?
    /// DNSSEC proves it; without a trust anchor never true.
    package let isSecure: Bool
    /// How long it may be kept, in seconds.
    package let timeToLive: Int
}

/// Why there is no answer.
package enum ResolutionError: Error, Sendable, Equatable {
    /// What was asked for can be no domain name; nobody was asked.
    case invalidName
    /// The name does not exist (NXDOMAIN).
    case noSuchName
    /// The name exists, and has no records of that type.
    case noRecords
    /// The answer is forged, or its zone is broken: DNSSEC says no. To be treated as a temporary failure.
    case bogus(reason: String)
    /// Nobody could answer, or not in time. Another time the answer may be another.
    case temporaryFailure(reason: String)

    /// Whether asking again later is pointless.
    package var isPermanent: Bool {
        switch self {
        case .invalidName, .noSuchName, .noRecords: true
        case .bogus, .temporaryFailure: false
        }
    }
}
