// SPDX-License-Identifier: Apache-2.0

import HTTPServer
import MailConnection
import MailNetwork
import MilterClient
import NIOCore
import SMTPServer
import SenderAuthentication

extension Appliance {
    /// What else decides about mail that other servers bring.
    func filters() async throws -> FilterPolicy {
        let settings = self.settings.filters
        // The settings were checked when they were read.
        let exempt = NetworkList(self.settings.senders.exempt) ?? NetworkList()
        return FilterPolicy(
            isExempt: { exempt.contains($0) },
            lists: self.addressLists,
            greylist: settings.greylists ? try await Greylist(settings.greylistOptions, memory: self.store) : nil,
            milters: settings.milters.map(Milter.init),
            junk: settings.learnsJunk ? self.store : nil
        )
    }

    private var addressLists: DNSLists? {
        let settings = self.settings.filters
        guard !settings.blockLists.isEmpty || !settings.allowLists.isEmpty else { return nil }
        return DNSLists(
            blocking: settings.blockLists.compactMap { DNSList($0) },
            allowing: settings.allowLists.compactMap { DNSList($0) },
            names: SenderNames(resolver: self.names.resolver)
        )
    }
}

extension Settings.Filters {
    fileprivate var greylistOptions: Greylist.Options {
        var options = Greylist.Options()
        options.delay = self.greylistDelay.components.seconds
        options.window = self.greylistWindow.components.seconds
        options.memory = self.greylistMemory.components.seconds
        return options
    }
}

extension Milter {
    fileprivate init(_ setting: MilterSetting) {
        let roles: Set<SMTPRole> =
            switch setting.mail {
            case .incoming: [.exchange]
            case .submitted: [.submission, .submissions]
            case .all: [.exchange, .submission, .submissions]
            }
        self.init(
            name: setting.name,
            connector: FilterConnector(address: setting.address),
            timeout: setting.timeout,
            whenUnreachable: setting.whenUnreachable,
            roles: roles
        )
    }
}

/// Connections to a filter, over sockets.
private struct FilterConnector: MilterConnector {
    let address: MilterSetting.Address

    func open(timeout: Duration) async throws -> any MilterChannel {
        let place: Connector.Place =
            switch self.address {
            case .path(let path): .path(path)
            case .network(let address, let port): .address(address, port: port)
            }
        return FilterChannel(connection: try await Connector().open(place, timeout: TimeAmount(timeout)))
    }
}

private struct FilterChannel: MilterChannel {
    var connection: OpenConnection

    mutating func read() async throws -> [UInt8]? { try await self.connection.read() }
    func write(_ octets: [UInt8]) async throws { try await self.connection.write(octets) }
    var hangUp: @Sendable () -> Void { self.connection.hangUp }
}
