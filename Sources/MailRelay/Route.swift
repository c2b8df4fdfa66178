// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// The hosts to ask for one destination, in order (RFC 5321 §5.1).
struct Route: Sendable, Hashable {
    struct Hop: Sendable, Hashable {
        /// The host's name; nil where an address was given instead.
        let name: String?
        let address: IPAddress
        /// The names at which the host's TLSA records may be, the better first (RFC 7672 §2.2); empty if its zone is not signed.
        var secureNames: [String] = []

        /// For logs and reports.
        var description: String {
            self.name.map { "\($0) \(self.address.addressLiteral)" } ?? self.address.addressLiteral
        }
    }

    let hops: [Hop]
    /// Whether the hosts' names are those that the domain, or the administrator, has given: shown by DNSSEC, or the domain's
    /// own name.
    var isAuthentic = false
    /// Whether these are all: no other host's addresses are unknown for the moment.
    var isComplete = true

    /// The most hosts of a domain that are looked at.
    static let hostLimit = 10
    /// The most addresses of one host that are tried, and of all.
    static let addressLimit = 4
    static let hopLimit = 16
}

/// Why there is no way to a destination.
enum RouteFailure: Error, Sendable, Hashable {
    case permanent(DeliveryStatus)
    case temporary(DeliveryStatus)

    /// What it means for the recipients there.
    var verdict: Verdict {
        switch self {
        case .permanent(let status): .failed(status)
        case .temporary(let status): .deferred(status)
        }
    }

    static let noSuchDomain = permanent(EnhancedStatusCode(5, 1, 2), "the domain does not exist")
    static let noAddress = permanent(EnhancedStatusCode(5, 4, 4), "no mail host of the domain has an address")
    static let nullMX = permanent(EnhancedStatusCode(5, 1, 10), "the domain takes no mail")
    static let loop = permanent(EnhancedStatusCode(5, 4, 6), "mail for the domain would come back to this host")
    static let notGlobal = permanent(
        EnhancedStatusCode(5, 4, 4),
        "the domain's mail hosts have no address in the public network"
    )

    static let onlyIPv6 = permanent(
        EnhancedStatusCode(5, 4, 4),
        "the domain's mail hosts have IPv6 addresses only, which are not used from here"
    )

    static func temporary(_ reason: String) -> Self {
        .temporary(DeliveryStatus(EnhancedStatusCode(4, 4, 3), "name service: \(reason)"))
    }

    private static func permanent(_ code: EnhancedStatusCode, _ text: String) -> Self {
        .permanent(DeliveryStatus(code, text))
    }
}

/// Finds routes.
struct Router: Sendable {
    private let resolver: any NameResolver
    private let options: RelayService.Options
    /// Addresses that lead back to us.
    private let ownAddresses: Set<IPAddress>

    init(resolver: any NameResolver, options: RelayService.Options) {
        self.resolver = resolver
        self.options = options
        self.ownAddresses = Set(options.ownAddresses().map(\.unmapped))
    }

    func route(
        to destination: Destination,
        using random: inout some RandomNumberGenerator
    ) async throws(RouteFailure) -> Route {
        switch destination {
        case .domain(let domain):
            if domain.utf8.first == UInt8(ascii: "[") { return try self.route(toLiteral: domain) }
            return try await self.route(toDomain: domain, using: &random)
        case .smarthost(let number):
            return try await self.route(toSmarthost: number)
        }
    }

    // MARK: Mail exchangers

    private func route(
        toDomain domain: String,
        using random: inout some RandomNumberGenerator
    ) async throws(RouteFailure) -> Route {
        // RFC 6531 §3.2: names are looked up in A-labels.
        guard let domain = Punycode.aLabels(of: domain) else { throw .noSuchDomain }
        let exchangers = try await self.exchangers(of: domain, using: &random)
        var hops: [Route.Hop] = []
        var findings = Findings()
        var level: (preference: Int, start: Int) = (0, 0)
        for exchanger in exchangers.prefix(Route.hostLimit) {
            if level.preference != exchanger.preference { level = (exchanger.preference, hops.count) }
            let found = await self.hops(of: exchanger.name, &findings)
            if found.isOurs {
                // RFC 5321 §5.1: those preferred to ourselves remain, nobody else.
                hops.removeSubrange(level.start...)
                findings.hasLoop = true
                break
            }
            hops += found.hops
        }
        guard hops.isEmpty else {
            return Route(
                hops: Array(hops.prefix(Route.hopLimit)),
                isAuthentic: exchangers.allSatisfy(\.isSecure),
                isComplete: findings.trouble == nil
            )
        }
        throw findings.failure
    }

    /// The hosts in the order to try them; the domain itself if it names none ("implicit MX").
    private func exchangers(
        of domain: String,
        using random: inout some RandomNumberGenerator
    ) async throws(RouteFailure) -> [MailExchange] {
        let found: [MailExchange]
        do {
            found = try await self.resolver.mailExchangers(of: domain)
        } catch {
            switch error {
            case .noSuchDomain: throw .noSuchDomain
            case .nullMX: throw .nullMX
            case .temporary(let reason): throw .temporary(reason)
            }
        }
        // No look-up of MX records has told the name (RFC 8689 §4.2.1).
        guard !found.isEmpty else { return [MailExchange(preference: 0, name: domain, isSecure: true)] }
        // RFC 7505 §3; together with others a null MX says nothing (§4.1).
        let hosts = found.filter { !$0.name.isEmpty && $0.name != "." }
        guard !hosts.isEmpty else { throw .nullMX }
        // Equal ones in random order (RFC 5321 §5.1).
        return hosts.shuffled(using: &random).enumerated()
            .sorted { ($0.element.preference, $0.offset) < ($1.element.preference, $1.offset) }.map(\.element)
    }

    /// What stands in the way if no address is left.
    private struct Findings {
        var hasLoop = false
        var hasNonGlobal = false
        /// There is one that would be good, were IPv6 used.
        var hasIPv6 = false
        var trouble: String?

        var failure: RouteFailure {
            if self.hasLoop { return .loop }
            if let trouble = self.trouble { return .temporary(trouble) }
            if self.hasIPv6 { return .onlyIPv6 }
            return self.hasNonGlobal ? .notGlobal : .noAddress
        }
    }

    private func hops(of host: String, _ findings: inout Findings) async -> (hops: [Route.Hop], isOurs: Bool) {
        guard !self.isOurName(host) else { return ([], true) }
        let found: HostAddresses
        do throws(ResolutionFailure) {
            found = try await self.resolver.addresses(of: host)
        } catch {
            if case .temporary(let reason) = error { findings.trouble = reason }
            return ([], false)
        }
        let addresses = found.addresses.compactMap { try? IPAddress(parsing: $0) }
        guard !addresses.contains(where: self.isOurs) else { return ([], true) }
        let allowed = addresses.filter(self.isAllowed)
        if allowed.count < addresses.count { findings.hasNonGlobal = true }
        let usable = allowed.filter(self.isOfUsedFamily)
        if usable.count < allowed.count { findings.hasIPv6 = true }
        let hops = Self.first(Route.addressLimit, of: usable).map {
            Route.Hop(name: host, address: $0, secureNames: found.secureNames)
        }
        return (hops, false)
    }

    /// The first addresses, in their order, of both families where there are both: one family may lead nowhere from here.
    static func first(_ limit: Int, of addresses: [IPAddress]) -> [IPAddress] {
        var room: [IPAddress.Family: Int] = [:]
        for family in [IPAddress.Family.ipv4, .ipv6] {
            let others = addresses.filter { $0.family != family }.count
            room[family] = max(limit / 2, limit - others)
        }
        return addresses.filter { address in
            room[address.family, default: 0] -= 1
            return room[address.family, default: 0] >= 0
        }
    }

    private func isOurName(_ host: String) -> Bool {
        let name = host.utf8.last == UInt8(ascii: ".") ? host.utf8.dropLast() : host.utf8[...]
        // Or 0x20: names are letters, digits, hyphens and dots, which it keeps apart.
        return name.elementsEqual(self.options.hostname.utf8) { $0 | 0x20 == $1 | 0x20 }
    }

    /// Whether an address leads back to this machine.
    private func isOurs(_ address: IPAddress) -> Bool {
        if self.ownAddresses.contains(address.unmapped) { return true }
        guard !self.options.allowsNonGlobalAddresses else { return false }
        return address.scope == .loopback || address.scope == .unspecified
    }

    /// Whether a name from outside may lead us there.
    func isAllowed(_ address: IPAddress) -> Bool {
        self.options.allowsNonGlobalAddresses || address.isGlobal
    }

    private func isOfUsedFamily(_ address: IPAddress) -> Bool {
        !self.options.isIPv4Only || address.unmapped.family == .ipv4
    }

    // MARK: Address literals and the smarthost

    private func route(toLiteral literal: String) throws(RouteFailure) -> Route {
        var text = literal.utf8.dropFirst().dropLast()
        if text.prefix(5).elementsEqual("ipv6:".utf8, by: { $0 | 0x20 == $1 | 0x20 }) { text = text.dropFirst(5) }
        guard let address = try? IPAddress(parsing: String(decoding: text, as: UTF8.self)) else {
            throw .noSuchDomain
        }
        guard !self.isOurs(address) else { throw .loop }
        guard self.isAllowed(address) else { throw .notGlobal }
        guard self.isOfUsedFamily(address) else { throw .onlyIPv6 }
        return Route(hops: [Route.Hop(name: nil, address: address)])
    }

    /// The administrator's word: any address will do, and what goes wrong is not the messages' fault.
    private func route(toSmarthost number: Int) async throws(RouteFailure) -> Route {
        guard let host = self.options.smarthost(number)?.host else { throw .temporary("there is no smarthost") }
        if let address = try? IPAddress(parsing: host) {
            return Route(hops: [Route.Hop(name: nil, address: address)], isAuthentic: true)
        }
        let texts: [String]
        do throws(ResolutionFailure) {
            texts = try await self.resolver.addresses(of: host).addresses
        } catch {
            if case .temporary(let reason) = error { throw .temporary(reason) }
            throw .temporary("the smarthost has no address")
        }
        let addresses = texts.compactMap { try? IPAddress(parsing: $0) }.filter(self.isOfUsedFamily)
        guard !addresses.isEmpty else { throw .temporary("the smarthost has no address") }
        let hops = Self.first(Route.hopLimit, of: addresses).map { Route.Hop(name: host, address: $0) }
        return Route(hops: hops, isAuthentic: true)
    }
}
