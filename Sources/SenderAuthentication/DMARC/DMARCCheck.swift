// SPDX-License-Identifier: Apache-2.0

/// What DMARC comes to (RFC 7489 §11.2).
package enum DMARCResult: String, Sendable, Hashable, CaseIterable {
    /// The author's domain has no policy.
    case none
    case pass
    case fail
    case temperror
    /// Nobody can say whose message it is.
    case permerror
}

package struct DMARCOutcome: Sendable, Equatable {
    /// A record, and where it was found.
    package struct Publication: Sendable, Equatable {
        package var domain: DomainName
        package var record: DMARCRecord
    }

    package var result: DMARCResult
    /// The author's domain.
    package var domain: DomainName?
    /// What the domain wants done with messages that are not its own, where this one has not passed.
    package var policy: DMARCPolicy = .none
    /// What is to be done, `pct` considered.
    package var disposition: DMARCPolicy = .none
    package var reason: String?
    /// What the domain of the one author, or the one above it, has published.
    package var published: Publication?
    /// Whether SPF, or a signature, passes for a domain near enough to the author's.
    package var passesSPF = false
    package var passesDKIM = false

    init(_ result: DMARCResult, domain: DomainName? = nil, reason: String? = nil) {
        self.result = result
        self.domain = domain
        self.reason = reason
    }
}

/// What those want whose message one may be, asked for before anything that its sender can make slow.
struct DMARCInquiry: Sendable {
    /// What asking for a policy came to.
    fileprivate enum Discovery {
        case nothing
        case temporaryFailure
        case found(DMARCRecord, policy: DMARCPolicy, domain: DomainName)
    }

    fileprivate enum Answer {
        case one(DomainName, Discovery)
        case unclear(DMARCOutcome)
    }

    private let names: any NameService
    private let suffixes: PublicSuffixList
    fileprivate private(set) var answer = Answer.unclear(DMARCOutcome(.permerror))

    init(_ author: AuthorDomain, names: any NameService, suffixes: PublicSuffixList) async {
        (self.names, self.suffixes) = (names, suffixes)
        switch author {
        case .one(let domain): self.answer = .one(domain, await self.discover(domain))
        case .unclear(let reason, let suspects, let isComplete):
            self.answer = .unclear(await self.outcome(reason, suspects, isComplete))
        }
    }

    /// RFC 7489 §6.6.1: the strictest of the policies of all who may be meant.
    private func outcome(_ reason: String, _ suspects: [DomainName], _ isComplete: Bool) async -> DMARCOutcome {
        var outcome = DMARCOutcome(.permerror, reason: reason)
        // Whoever is left out may want anything.
        if !isComplete { outcome.policy = .quarantine }
        var isUnknown = false
        for suspect in suspects {
            switch await self.discover(suspect) {
            case .found(_, let policy, _): outcome.policy = max(outcome.policy, policy)
            case .temporaryFailure: isUnknown = true
            case .nothing: break
            }
        }
        if isUnknown, outcome.policy < .reject {
            outcome = DMARCOutcome(.temperror, reason: "\(reason), policy unavailable")
            outcome.policy = .reject
            return outcome
        }
        outcome.disposition = outcome.policy
        return outcome
    }

    /// The policy of the domain, else of its Organizational Domain (RFC 7489 §6.6.3).
    private func discover(_ domain: DomainName) async -> Discovery {
        switch await self.record(of: domain) {
        case .found(let record, _, _): return .found(record, policy: record.policy, domain: domain)
        case .temporaryFailure: return .temporaryFailure
        case .nothing: break
        }
        let organization = self.suffixes.organizationalDomain(of: domain)
        guard organization != domain else { return .nothing }
        let discovery = await self.record(of: organization)
        guard case .found(let record, _, _) = discovery else { return discovery }
        return .found(record, policy: record.subdomainPolicy, domain: organization)
    }

    private func record(of domain: DomainName) async -> Discovery {
        guard let name = domain.prefixed(by: "_dmarc") else { return .nothing }
        switch await self.names.texts(of: name) {
        case .temporaryFailure: return .temporaryFailure
        case .noSuchName, .noData: return .nothing
        case .found(let texts):
            let records = texts.filter(DMARCRecord.isRecord)
            guard records.count == 1, let record = DMARCRecord(records[0]) else { return .nothing }
            return .found(record, policy: record.policy, domain: domain)
        }
    }
}

/// Whether a message comes from whom its author is said to be (RFC 7489 §6.6).
struct DMARCCheck: Sendable {
    let suffixes: PublicSuffixList
    let spf: SPFOutcome
    /// The domain that SPF authenticates: of the reverse-path, or of HELO if that is null.
    let spfDomain: DomainName?
    let dkim: [DKIMOutcome]
    /// 0 to 99: whether this message is among those that `pct` means.
    let lot: Int

    func outcome(_ inquiry: DMARCInquiry) -> DMARCOutcome {
        switch inquiry.answer {
        case .one(let domain, let discovery): self.outcome(for: domain, discovery)
        case .unclear(let outcome): outcome
        }
    }

    private func outcome(for domain: DomainName, _ discovery: DMARCInquiry.Discovery) -> DMARCOutcome {
        switch discovery {
        case .nothing: return DMARCOutcome(.none, domain: domain)
        case .temporaryFailure: return DMARCOutcome(.temperror, domain: domain, reason: "policy unavailable")
        case .found(let record, let policy, let source):
            var outcome = self.outcome(for: domain, record, policy)
            outcome.published = DMARCOutcome.Publication(domain: source, record: record)
            return outcome
        }
    }

    private func outcome(for domain: DomainName, _ record: DMARCRecord, _ policy: DMARCPolicy) -> DMARCOutcome {
        let isAlignedBySPF = self.spfDomain.map { self.isAligned($0, domain, record.spfAlignment) } ?? false
        let aligned = self.dkim.filter { outcome in
            outcome.domain.map { self.isAligned($0, domain, record.dkimAlignment) } ?? false
        }
        var outcome = DMARCOutcome(.pass, domain: domain)
        outcome.passesSPF = self.spf.result == .pass && isAlignedBySPF
        outcome.passesDKIM = aligned.contains { $0.result == .pass }
        if outcome.passesSPF || outcome.passesDKIM { return outcome }
        outcome.policy = policy
        // Another time it might have passed.
        if (self.spf.result == .temperror && isAlignedBySPF) || aligned.contains(where: { $0.result == .temperror }) {
            outcome.result = .temperror
            outcome.reason = "authentication unavailable"
            return outcome
        }
        outcome.result = .fail
        outcome.reason = "no aligned SPF or DKIM passes"
        outcome.disposition = self.lot < record.percentage ? policy : policy.weaker
        return outcome
    }

    /// RFC 7489 §3.1.1, §3.1.2.
    private func isAligned(_ domain: DomainName, _ author: DomainName, _ alignment: DMARCRecord.Alignment) -> Bool {
        switch alignment {
        case .strict: domain == author
        case .relaxed:
            self.suffixes.organizationalDomain(of: domain) == self.suffixes.organizationalDomain(of: author)
        }
    }
}
