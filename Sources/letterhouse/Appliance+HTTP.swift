// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPServer
import IMAPServer
import MailConnection
import MailRelay
import MailStorage
import SASLMechanisms
import SMTPServer
import SMTPSyntax

extension Appliance {
    /// The HTTP bridge over the same engines as the sockets'.
    func bridge(
        imap: IMAPService,
        smtp: SMTPService,
        credentials: CredentialSource<Account>,
        time: TimeSource
    ) throws -> BridgeService {
        var options = HTTPServerOptions()
        options.prefix = self.settings.http.prefix
        options.hosts = [self.settings.hostname] + self.settings.http.hosts
        // The settings were checked when they were read.
        options.trustedProxies = NetworkList(self.settings.http.trustedProxies) ?? NetworkList()
        options.pollTimeout = self.settings.http.pollTimeout
        options.unusedTimeout = self.settings.http.unusedTimeout
        options.drainDeadline = Self.drainDeadline
        options.metricsReaders = NetworkList(self.settings.http.metricsReaders) ?? NetworkList()
        // Bodies are kept in memory: larger messages have to come another way.
        options.bodyLimit = min(self.settings.limits.messageSize + 64 * 1024, options.bodiesPerAddress)
        options.allowedOrigins = Set(self.settings.http.allowedOrigins)
        options.requiresLogin = self.settings.http.requiresLogin
        options.idBits = self.settings.http.idBits
        options.targets = try self.bridgeTargets()
        return BridgeService(
            options: options,
            imap: imap,
            smtp: smtp,
            credentials: credentials,
            replays: self.store,
            time: time
        )
    }

    /// The servers elsewhere that the bridge leads to.
    private func bridgeTargets() throws -> [String: RemoteTarget] {
        guard !self.settings.http.targets.isEmpty else { return [:] }
        let names = self.names
        let connector = RemoteConnector(trust: try TLSClientContext(trust: .system)) { host in
            if (try? IPAddress(parsing: host)) != nil { return [host] }
            return try await names.addresses(of: host).addresses
        }
        return self.settings.http.targets.reduce(into: [:]) { $0[$1.name] = connector.target($1) }
    }

    /// The storage API over the same store; nil if it is not to be served.
    func storage(_ bridge: BridgeService, smtp: SMTPService, credentials: CredentialSource<Account>) -> StorageService?
    {
        guard self.settings.http.servesStore else { return nil }
        var options = StorageService.Options()
        options.messageLimit = self.settings.limits.messageSize
        return StorageService(
            options: options,
            directory: self.store,
            credentials: credentials,
            bridge: bridge,
            smtp: smtp
        )
    }

    func httpChannel(_ bridge: BridgeService, storage: StorageService?) -> HTTPChannel {
        let metrics = self.metrics
        return HTTPChannel(bridge: bridge, storage: storage, isTLS: false) { metrics.exposition() }
    }
}
