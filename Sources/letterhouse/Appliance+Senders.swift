// SPDX-License-Identifier: Apache-2.0

import HTTPServer
import MailNetwork
import SMTPServer
import SMTPSyntax
import SenderAuthentication

extension Appliance {
    /// Who finds out who sent mail that other servers bring; nil if nobody is to.
    func senders() throws -> SenderPolicy? {
        let settings = self.settings.senders
        guard settings.checks else { return nil }
        // The settings were checked when they were read.
        let exempt = NetworkList(settings.exempt) ?? NetworkList()
        return SenderPolicy(
            authenticator: SenderAuthenticator(
                names: SenderNames(resolver: self.names.resolver),
                suffixes: try settings.publicSuffixes(),
                authservID: self.settings.hostname
            ),
            enforces: settings.enforces
        ) { exempt.contains($0) }
    }
}

extension Settings.Senders {
    /// The list in the file; throws if there is none.
    func publicSuffixes() throws -> PublicSuffixList {
        let list = PublicSuffixList(Array(try TextFile.read(self.publicSuffixList).utf8))
        guard list.count > 0 else { throw EmptyList(path: self.publicSuffixList) }
        return list
    }

    /// Without a list, whoever shares a public suffix with an author could write in the author's name.
    private struct EmptyList: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(self.path): expected a public suffix list" }
    }
}

/// The questions of sender authentication, answered by DNS.
struct SenderNames: NameService {
    /// The resolver to ask at this moment.
    let resolver: @Sendable () throws(ResolutionError) -> DNSResolver

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        await self.answer(name.text, .txt, RecordData.text)
    }

    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> {
        await self.answer(name.text, family == .ipv4 ? .a : .aaaa) { IPAddress(octets: $0) }
    }

    func mailExchangers(of name: DomainName) async -> NameAnswer<String> {
        switch await self.answer(name.text, .mx, RecordData.mailExchanger) {
        case .found(let exchangers): .found(exchangers.sorted { $0.preference < $1.preference }.map(\.name))
        case .noSuchName: .noSuchName
        case .noData: .noData
        case .temporaryFailure: .temporaryFailure
        }
    }

    func names(of address: IPAddress) async -> NameAnswer<String> {
        await self.answer(address.reverseName, .ptr, RecordData.name)
    }

    /// A list of which nothing can be understood is as good as none.
    private func answer<Value>(
        _ name: String,
        _ type: RecordType,
        _ read: ([UInt8]) -> Value?
    ) async -> NameAnswer<Value> {
        do throws(ResolutionError) {
            let values = try await self.resolver().records(ofAnyName: name.utf8, type: type).records.compactMap(read)
            return values.isEmpty ? .noData : .found(values)
        } catch {
            return NameAnswer(error)
        }
    }
}

extension NameAnswer {
    fileprivate init(_ error: ResolutionError) {
        switch error {
        case .invalidName, .noSuchName: self = .noSuchName
        case .noRecords: self = .noData
        case .bogus, .temporaryFailure: self = .temporaryFailure
        }
    }
}

extension IPAddress {
    /// Where the names of an address are: `1.2.0.192.in-addr.arpa` (RFC 1035 §3.5), `….ip6.arpa` (RFC 3596 §2.5).
    fileprivate var reverseName: String {
        "\(self.reversedLabels).\(self.family == .ipv4 ? "in-addr" : "ip6").arpa"
    }
}
