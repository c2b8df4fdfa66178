// SPDX-License-Identifier: Apache-2.0

import HTTPServer
import IMAPServer
import MailConnection
import MailStorage
import SASLMechanisms
import SMTPServer

extension Appliance {
    /// The HTTP bridge over the same engines as the sockets'.
    func bridge(imap: IMAPService, smtp: SMTPService, time: TimeSource) -> BridgeService {
        var options = HTTPServerOptions()
        options.prefix = self.settings.http.prefix
        options.hosts = [self.settings.hostname] + self.settings.http.hosts
        // The settings were checked when they were read.
        options.trustedProxies = NetworkList(self.settings.http.trustedProxies) ?? NetworkList()
        options.pollTimeout = self.settings.http.pollTimeout
        options.unusedTimeout = self.settings.http.unusedTimeout
        options.metricsReaders = NetworkList(self.settings.http.metricsReaders) ?? NetworkList()
        // Bodies are kept in memory: larger messages have to come another way.
        options.bodyLimit = min(self.settings.limits.messageSize + 64 * 1024, options.bodiesPerAddress)
        return BridgeService(options: options, imap: imap, smtp: smtp, time: time)
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
