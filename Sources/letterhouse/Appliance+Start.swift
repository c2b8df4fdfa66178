// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Logging
import MailNetwork
import Metrics
import SASLMechanisms
import SQLiteStorage

extension Appliance {
    /// Serves by the settings file.
    static func serve(config: String?) async throws {
        // Before other threads exist: it takes its part of the environment away.
        let inherited = try ActivatedSockets.inherited()
        let settings = try Settings.load(
            path: config,
            environment: ProcessEnvironment.variables,
            checksFiles: true
        )
        try await self.serve(settings, inherited: inherited)
    }

    /// Serves from one folder on loopback, and makes there what is missing.
    static func serveEmbedded(in folder: String) async throws {
        let inherited = try ActivatedSockets.inherited()
        var settings = Settings.embedded(in: folder)
        try Embedded.makeFolder(folder)
        settings.tls = try Embedded.certificate(in: folder)
        try await self.serve(settings, inherited: inherited) { store in
            guard let account = try await Embedded.firstAccount(in: store) else { return }
            Embedded.welcome(account, settings)
        }
    }

    private static func serve(
        _ settings: Settings,
        inherited: ActivatedSockets,
        prepare: (SQLiteStore) async throws -> Void = { _ in }
    ) async throws {
        MallocTuning.apply()
        let metrics = PrometheusMetrics()
        MetricsSystem.bootstrap(metrics)
        let level = settings.logLevel
        LoggingSystem.bootstrap { _ in JournalLogHandler(level: level) }
        let logger = Logger(label: "letterhouse")

        var options = StoreOptions()
        options.traceLifetime = settings.trace.keep.components.seconds
        options.traceEvents = settings.trace.events
        options.learnsJunk = settings.filters.learnsJunk
        let store = try SQLiteStore(path: settings.data + "/mail.db", options: options)
        do {
            try await prepare(store)
            let sockets = inherited.byName.isEmpty ? try Self.open(settings.listen) : inherited.byName
            let appliance = Appliance(
                settings: settings,
                sockets: sockets,
                store: store,
                names: try NetworkResolver(settings.relay),
                tls: try settings.tls.map(TLSServerContexts.init),
                metrics: metrics,
                logger: logger
            )
            try appliance.checkSockets()
            if !appliance.names.verifiesNames {
                logger.warning(
                    "Names are not verified, so DANE is out of use: install dns-root-data, or set relay.trust-anchor"
                )
            }
            try await appliance.run()
        } catch {
            try? await store.close()
            throw error
        }
    }

    /// Opens the sockets of the settings, all or none.
    private static func open(_ listen: Settings.Listen) throws -> [String: [CInt]] {
        let addresses = [
            "imap": listen.imap, "imaps": listen.imaps, "smtp": listen.smtp, "submission": listen.submission,
            "submissions": listen.submissions, "lmtp": listen.lmtp, "http": listen.http,
        ]
        return try addresses.mapValues { texts in
            try texts.flatMap { (text: String) -> [CInt] in
                if text.hasPrefix("/") { return [try ListeningSocket.bind(path: text)] }
                guard let address = ListenAddress(text) else { return [] }
                return try ListeningSocket.bind(host: address.host, port: address.port)
            }
        }
    }

    /// What needs TLS cannot be served without a certificate.
    private func checkSockets() throws {
        guard self.tls == nil else { return }
        self.logger.warning("No TLS: set tls.certificate and tls.key, then imaps and submissions are served too")
        for name in ["imaps", "submissions"] where self.sockets[name]?.isEmpty == false {
            throw InvalidSettings(faults: [
                SettingsFault(line: 0, text: "tls.certificate: expected a certificate, because \(name) is served")
            ])
        }
    }
}

/// The environment as a dictionary.
enum ProcessEnvironment {
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe next += 1
        }
        return variables
    }
}
