// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication

/// Asks the name system where domains want their reports.
package struct ReportDiscovery: Sendable {
    package enum Answer: Hashable, Sendable {
        /// To all of these; to nobody if there are none.
        case found([ReportURI])
        /// Another time the answer may be another.
        case temporaryFailure
    }

    let names: any NameService
    let suffixes: PublicSuffixList

    package init(names: any NameService, suffixes: PublicSuffixList) {
        self.names = names
        self.suffixes = suffixes
    }

    /// Who is behind a domain: whoever has one, can have as many names below it as there are.
    package func organization(of domain: DomainName) -> DomainName { self.suffixes.organizationalDomain(of: domain) }

    // MARK: DMARC

    /// Who gets reports about mail in the name of a domain that has a DMARC record (RFC 7489 §7.1).
    ///
    /// Only mail: nothing says how other URIs are to be used.
    package func aggregate(of domain: DomainName) async -> Answer {
        guard let name = domain.prefixed(by: "_dmarc") else { return .found([]) }
        let record: DMARCRecord
        switch await self.names.texts(of: name) {
        case .temporaryFailure: return .temporaryFailure
        case .noSuchName, .noData: return .found([])
        case .found(let texts):
            let records = texts.filter(DMARCRecord.isRecord)
            guard records.count == 1, let found = DMARCRecord(records[0]) else { return .found([]) }
            record = found
        }
        var destinations: [ReportURI] = []
        for uri in ReportURI.list(record.aggregateReports ?? "") {
            guard case .mail(let address, _) = uri, let host = DomainName(address.domain) else { continue }
            if self.suffixes.organizationalDomain(of: host) == self.suffixes.organizationalDomain(of: domain) {
                destinations.append(uri)
                continue
            }
            // Nobody shall have reports sent to somebody who does not want them.
            switch await self.consent(of: host, to: domain) {
            case .temporaryFailure: return .temporaryFailure
            case .found(let override): destinations += override ?? [uri]
            case .none: break
            }
        }
        var unique: [ReportURI] = []
        for destination in destinations where !unique.contains(destination) { unique.append(destination) }
        return .found(Array(unique.prefix(ReportURI.limit)))
    }

    private enum Consent {
        case none
        case temporaryFailure
        /// Perhaps under other addresses of the same host.
        case found([ReportURI]?)
    }

    /// Whether somebody elsewhere takes reports about the domain.
    private func consent(of host: DomainName, to domain: DomainName) async -> Consent {
        guard let name = host.prefixed(by: "\(domain.text)._report._dmarc") else { return .none }
        switch await self.names.texts(of: name) {
        case .temporaryFailure: return .temporaryFailure
        case .noSuchName, .noData: return .none
        case .found(let texts):
            let records = texts.filter(DMARCRecord.isRecord)
            guard let record = records.first else { return .none }
            guard let value = DMARCRecord.value(of: "rua", in: record) else { return .found(nil) }
            return .found(
                ReportURI.list(value).filter { uri in
                    guard case .mail(let address, _) = uri else { return false }
                    return DomainName(address.domain) == host
                }
            )
        }
    }

    // MARK: TLS

    /// Who gets reports about TLS with the hosts of a domain (RFC 8460 §3).
    package func tls(of domain: DomainName) async -> Answer {
        guard let name = domain.prefixed(by: "_smtp._tls") else { return .found([]) }
        switch await self.names.texts(of: name) {
        case .temporaryFailure: return .temporaryFailure
        case .noSuchName, .noData: return .found([])
        case .found(let texts):
            let records = texts.compactMap(Self.destinations)
            return .found(records.count == 1 ? records[0] : [])
        }
    }

    /// Where a record says that reports are wanted; nil for a text that is none.
    ///
    ///     tlsrpt-record = tlsrpt-version 1*(field-delim tlsrpt-field) [field-delim]
    static func destinations(_ record: [UInt8]) -> [ReportURI]? {
        let fields = record.split(separator: UInt8(ascii: ";")).prefix(50).map { field in
            String(decoding: field, as: UTF8.self).drop { $0 == " " || $0 == "\t" }
        }
        guard let version = fields.first, version.elementsEqual("v=TLSRPTv1") || version.hasPrefix("v=TLSRPTv1 ") else {
            return nil
        }
        guard let field = fields.first(where: { $0.hasPrefix("rua=") }) else { return [] }
        return ReportURI.list(String(field.dropFirst("rua=".count)))
    }
}
