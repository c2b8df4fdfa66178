// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

@testable import SenderAuthentication

/// A name service that knows what it is told.
struct FixedNames: NameService {
    enum Record: Sendable {
        case txt([UInt8])
        case address(IPAddress)
        case mx(Int, String)
        case ptr(String)
        case alias(String)
        /// Nobody answers questions about this name, of a type that has no records.
        case silence
    }

    /// By name in lower case, without the last dot.
    var zone: [String: [Record]] = [:]

    init(_ texts: [String: String] = [:]) {
        for (name, text) in texts { self.zone[name.lowercased()] = [.txt(Array(text.utf8))] }
    }

    private func answer<Value>(_ name: String, _ choose: (Record) -> Value?) -> NameAnswer<Value> {
        var name = name
        for _ in 0..<8 {
            guard let records = self.zone[name] else { return .noSuchName }
            let values = records.compactMap(choose)
            if !values.isEmpty { return .found(values) }
            var next: String?
            for record in records {
                if case .silence = record { return .temporaryFailure }
                if case .alias(let target) = record { next = target.lowercased() }
            }
            guard let next else { return .noData }
            name = next
        }
        return .temporaryFailure
    }

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        self.answer(name.text) { record in
            guard case .txt(let text) = record else { return nil }
            return text
        }
    }

    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> {
        self.answer(name.text) { record in
            guard case .address(let address) = record, address.family == family else { return nil }
            return address
        }
    }

    func mailExchangers(of name: DomainName) async -> NameAnswer<String> {
        let answer = self.answer(name.text) { record -> (Int, String)? in
            guard case .mx(let preference, let host) = record else { return nil }
            return (preference, host)
        }
        return switch answer {
        case .found(let hosts): .found(hosts.sorted { $0.0 < $1.0 }.map(\.1))
        case .noSuchName: .noSuchName
        case .noData: .noData
        case .temporaryFailure: .temporaryFailure
        }
    }

    func names(of address: IPAddress) async -> NameAnswer<String> {
        let labels: [String] =
            address.family == .ipv4
            ? address.octets.map { String($0) }
            : address.octets.flatMap { [$0 >> 4, $0 & 0x0F] }.map { String($0, radix: 16) }
        let zone = address.family == .ipv4 ? "in-addr.arpa" : "ip6.arpa"
        return self.answer(labels.reversed().joined(separator: ".") + "." + zone) { record in
            guard case .ptr(let name) = record else { return nil }
            return name
        }
    }
}
