// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// `check_host()`: whether a domain authorizes a host to send in its name (RFC 7208 §4).
///
/// A value for one check; it counts what the check asks of the name system, through all of the records it leads to.
package struct SPFCheck {
    let identity: SPFIdentity
    let names: any NameService
    /// This server's name, for explanations.
    private let receiver: String
    /// Seconds since 1970, for explanations.
    private let unixTime: Int64

    /// RFC 7208 §4.6.4: ten terms that ask, two questions with empty answers, ten names for each term.
    private static let maximumLookups = 10
    private static let maximumVoidLookups = 2
    static let maximumNames = 10

    private var lookups = 0
    private var voidLookups = 0
    /// The validated names of the client, once somebody has wanted to know them.
    private var validatedNames: [DomainName]?

    /// What ends a check early.
    enum Failure: Error {
        case temporary(String)
        case permanent(String)
    }

    package init(_ identity: SPFIdentity, names: any NameService, receiver: String, unixTime: Int64) {
        self.identity = identity
        self.names = names
        self.receiver = receiver
        self.unixTime = unixTime
    }

    /// Makes the check.
    package mutating func run() async -> SPFOutcome {
        guard let domain = DomainName(self.identity.domain), domain.labels.count > 1 else {
            return SPFOutcome(.none, problem: "no domain")
        }
        return await self.outcome(for: domain)
    }

    private mutating func outcome(for domain: DomainName) async -> SPFOutcome {
        do throws(Failure) {
            return try await self.evaluate(domain, isIncluded: false)
        } catch {
            switch error {
            case .temporary(let problem): return SPFOutcome(.temperror, domain: domain, problem: problem)
            case .permanent(let problem): return SPFOutcome(.permerror, domain: domain, problem: problem)
            }
        }
    }

    /// One record, and those to which it redirects.
    ///
    /// It calls itself for `include`, and the limit of lookups bounds that.
    private mutating func evaluate(_ domain: DomainName, isIncluded: Bool) async throws(Failure) -> SPFOutcome {
        var domain = domain
        var isRedirected = false
        while true {
            guard let record = try await self.record(of: domain) else {
                // RFC 7208 §6.1: a redirection to a domain without a record is an error.
                if isRedirected { throw .permanent("redirect to a domain without a record") }
                return SPFOutcome(.none, domain: domain)
            }
            for directive in record.directives where try await self.matches(directive.mechanism, in: domain) {
                var outcome = SPFOutcome(directive.result, domain: domain, mechanism: directive.text)
                if directive.result == .fail, !isIncluded, let explanation = record.explanation {
                    outcome.explanation = await self.explanation(explanation, in: domain)
                }
                return outcome
            }
            // RFC 7208 §4.7: a record in which nothing matches says nothing.
            guard let redirect = record.redirect else { return SPFOutcome(.neutral, domain: domain) }
            try self.countLookup()
            guard let target = try await self.name(redirect, in: domain) else {
                throw .permanent("redirect to no domain")
            }
            domain = target
            isRedirected = true
        }
    }

    /// The one record of a domain (RFC 7208 §4.4, §4.5); nil if it has none.
    private func record(of domain: DomainName) async throws(Failure) -> SPFRecord? {
        switch await self.names.texts(of: domain) {
        case .temporaryFailure: throw .temporary("no answer about \(domain)")
        case .noSuchName, .noData: return nil
        case .found(let texts):
            let records = texts.filter(SPFRecord.isRecord)
            guard records.count <= 1 else { throw .permanent("more than one record at \(domain)") }
            guard let text = records.first else { return nil }
            guard let record = SPFRecord(text) else { throw .permanent("the record of \(domain) is malformed") }
            return record
        }
    }

    private mutating func matches(
        _ mechanism: SPFRecord.Mechanism,
        in domain: DomainName
    ) async throws(Failure) -> Bool {
        switch mechanism {
        case .all:
            return true
        case .address(let network, let prefixLength):
            return self.identity.address.isWithin(network, prefixLength: prefixLength)
        case .include(let specification):
            try self.countLookup()
            guard let target = try await self.name(specification, in: domain) else {
                throw .permanent("include of no domain")
            }
            return try await self.includes(target)
        case .a(let specification, let lengths):
            try self.countLookup()
            guard let target = try await self.name(specification, in: domain) else { return false }
            return try await self.hasAddress(target, lengths)
        case .mx(let specification, let lengths):
            try self.countLookup()
            guard let target = try await self.name(specification, in: domain) else { return false }
            return try await self.hasExchanger(target, lengths)
        case .exists(let specification):
            try self.countLookup()
            guard let target = try await self.name(specification, in: domain) else { return false }
            // RFC 7208 §5.7: A records, whatever the client's family.
            return !(try await self.required(self.names.addresses(of: target, family: .ipv4), about: target)).isEmpty
        case .ptr(let specification):
            try self.countLookup()
            guard let target = try await self.name(specification, in: domain) else { return false }
            return try await self.validatedClientNames().contains { $0.isWithin(target) }
        }
    }

    /// RFC 7208 §5.2.
    private mutating func includes(_ domain: DomainName) async throws(Failure) -> Bool {
        switch try await self.evaluate(domain, isIncluded: true).result {
        case .pass: return true
        case .fail, .softfail, .neutral: return false
        case .none, .permerror: throw .permanent("include of \(domain), which has no record")
        case .temperror: throw .temporary("no answer about \(domain)")
        }
    }

    /// RFC 7208 §5.3.
    private mutating func hasAddress(
        _ host: DomainName,
        _ lengths: SPFRecord.PrefixLengths
    ) async throws(Failure) -> Bool {
        let client = self.identity.address
        let addresses = try await self.required(self.names.addresses(of: host, family: client.family), about: host)
        return addresses.contains { client.isWithin($0, prefixLength: lengths.length(for: client.family)) }
    }

    /// RFC 7208 §5.4.
    private mutating func hasExchanger(
        _ domain: DomainName,
        _ lengths: SPFRecord.PrefixLengths
    ) async throws(Failure) -> Bool {
        let hosts = try await self.required(self.names.mailExchangers(of: domain), about: domain)
        guard hosts.count <= Self.maximumNames else { throw .permanent("\(domain) has too many MX records") }
        for host in hosts {
            // The root, a null MX, is no host; nor is what cannot be a name.
            guard let host = DomainName(expanded: host.utf8) else { continue }
            if try await self.hasAddress(host, lengths) { return true }
        }
        return false
    }

    /// The client's names that lead back to its address, at most ten looked at; empty if nobody could tell
    /// (RFC 7208 §5.5).
    mutating func validatedClientNames() async throws(Failure) -> [DomainName] {
        if let validatedNames { return validatedNames }
        var validated: [DomainName] = []
        let client = self.identity.address
        let answer = await self.names.names(of: client)
        if case .found(let names) = answer {
            for name in names.prefix(Self.maximumNames) {
                guard let name = DomainName(expanded: name.utf8) else { continue }
                if case .found(let addresses) = await self.names.addresses(of: name, family: client.family),
                    addresses.contains(client)
                {
                    validated.append(name)
                }
            }
        }
        self.validatedNames = validated
        try self.countVoid(answer)
        return validated
    }

    private mutating func countLookup() throws(Failure) {
        self.lookups += 1
        guard self.lookups <= Self.maximumLookups else { throw .permanent("more than ten lookups") }
    }

    /// RFC 7208 §4.6.4: questions whose answer is empty or that the name does not exist.
    private mutating func countVoid<Value>(_ answer: NameAnswer<Value>) throws(Failure) {
        switch answer {
        case .found, .temporaryFailure: return
        case .noSuchName, .noData:
            self.voidLookups += 1
            guard self.voidLookups <= Self.maximumVoidLookups else { throw .permanent("too many void lookups") }
        }
    }

    /// The records of an answer, perhaps none.
    private mutating func required<Value>(
        _ answer: NameAnswer<Value>,
        about name: DomainName
    ) throws(Failure) -> [Value] {
        try self.countVoid(answer)
        switch answer {
        case .found(let values): return values
        case .noSuchName, .noData: return []
        case .temporaryFailure: throw .temporary("no answer about \(name)")
        }
    }

    // MARK: Macros

    /// A domain-spec expanded, or without one the domain itself; nil if what comes out is no name.
    private mutating func name(
        _ specification: MacroString?,
        in domain: DomainName
    ) async throws(Failure) -> DomainName? {
        guard let specification else { return domain }
        var octets = try await self.expanded(specification, in: domain)[...]
        if octets.last == .dot { octets = octets.dropLast() }
        // RFC 7208 §7.3: of a name that is too long, labels go from the left.
        while octets.count > 253, let dot = octets.firstIndex(of: .dot) { octets = octets[(dot + 1)...] }
        return DomainName(expanded: octets)
    }

    private mutating func expanded(_ text: MacroString, in domain: DomainName) async throws(Failure) -> [UInt8] {
        var clientName = "unknown"
        if text.letters.contains(UInt8(ascii: "p")) {
            let names = try await self.validatedClientNames()
            // RFC 7208 §7.3: the domain itself, else a name below it, else any.
            let name = names.first { $0 == domain } ?? names.first { $0.isWithin(domain) } ?? names.first
            clientName = name?.text ?? clientName
        }
        return text.expanded { letter in Array(self.value(of: letter, in: domain, clientName: clientName).utf8) }
    }

    /// RFC 7208 §7.2.
    private func value(of letter: UInt8, in domain: DomainName, clientName: String) -> String {
        let address = self.identity.address
        return switch letter {
        case UInt8(ascii: "s"): self.identity.sender
        case UInt8(ascii: "l"): self.identity.localPart
        case UInt8(ascii: "o"): self.identity.domain
        case UInt8(ascii: "d"): domain.text
        case UInt8(ascii: "i"): Self.dotted(address)
        case UInt8(ascii: "p"): clientName
        case UInt8(ascii: "v"): address.family == .ipv4 ? "in-addr" : "ip6"
        case UInt8(ascii: "h"): self.identity.helo
        case UInt8(ascii: "c"): address.description
        case UInt8(ascii: "r"): self.receiver
        default: String(self.unixTime)
        }
    }

    /// An address as labels: IPv4's octets, or the 32 hexadecimal digits of IPv6, upper case as the test suite has it.
    private static func dotted(_ address: IPAddress) -> String {
        guard address.family == .ipv6 else { return address.description }
        return address.octets.flatMap { [$0 >> 4, $0 & 0x0F] }.map { String($0, radix: 16, uppercase: true) }
            .joined(separator: ".")
    }

    /// The text that `exp` leads to (RFC 7208 §6.2); nil for whatever goes wrong on the way.
    private mutating func explanation(_ specification: MacroString, in domain: DomainName) async -> String? {
        guard let name = try? await self.name(specification, in: domain),
            case .found(let texts) = await self.names.texts(of: name), texts.count == 1, let text = texts.first,
            let macros = MacroString(text[...], in: .explanation),
            let octets = try? await self.expanded(macros, in: domain),
            octets.count <= Self.maximumExplanation, octets.allSatisfy({ $0.isVisible || $0 == .space })
        else { return nil }
        return String(decoding: octets, as: UTF8.self)
    }

    /// It is to fit into an SMTP reply.
    private static let maximumExplanation = 400
}
