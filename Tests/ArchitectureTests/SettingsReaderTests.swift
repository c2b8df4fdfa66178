// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import letterhouse

/// Reading the settings file: values, and every kind of fault with its line.
@Suite("Settings file") struct SettingsReaderTests {
    private static func read(_ text: String, _ environment: [String: String] = [:]) throws -> Settings {
        let path = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString).yaml").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            return try Settings.load(path: path, environment: environment)
        } catch let error as InvalidSettings {
            // The name of the file is not what these tests are about.
            throw InvalidSettings(
                faults: error.faults.map {
                    SettingsFault(line: $0.line, text: $0.text.replacing(path, with: "file"))
                }
            )
        }
    }

    private static func faults(_ text: String, _ environment: [String: String] = [:]) throws -> [String] {
        do {
            _ = try self.read(text, environment)
            return []
        } catch let error as InvalidSettings {
            return error.description.split(separator: "\n").map(String.init)
        }
    }

    @Test("What means nothing without another setting is not passed over in silence") func dependent() throws {
        #expect(
            try Self.faults(
                """
                listen: {imaps: [127.0.0.1:1993], submissions: []}
                tls:
                  client-authorities: /dev/null
                tokens:
                  scope: mail
                  client-id: me
                relay:
                  smarthost:
                    user: me
                    port: 465
                """
            ) == [
                "file:1: listen.imaps: expected tls.certificate and tls.key beside it",
                "file:3: tls.client-authorities: expected tls.certificate beside it",
                "file:5: tokens.scope: expected tokens.introspection beside it",
                "file:6: tokens.client-id: expected tokens.introspection beside it",
                "file:9: relay.smarthost.user: expected relay.smarthost.host beside it",
                "file:10: relay.smarthost.port: expected relay.smarthost.host beside it",
            ]
        )
    }

    @Test("Without a certificate nothing that needs one is listened for") func withoutCertificate() throws {
        let settings = try Self.read("hostname: mail.example.org")
        #expect(settings.listen.imaps.isEmpty && settings.listen.submissions.isEmpty)
        #expect(!settings.listen.imap.isEmpty && !settings.listen.submission.isEmpty)
        let secured = try Self.read("tls: {certificate: /dev/null, key: /dev/null}")
        #expect(!secured.listen.imaps.isEmpty && !secured.listen.submissions.isEmpty)
    }

    @Test("Values of every kind") func values() throws {
        let settings = try Self.read(
            """
            hostname: Mail.Example.ORG
            limits:
              message-size: 64KiB
            imap: {inactivity-timeout: 1h, withhold: [idle, Preview Ann@Example.org]}
            relay:
              allow-private-addresses: yes
              parallel: 7
              resolver: 127.0.0.1@5353
              smarthost:
                host: smtp.example.org
                security: opportunistic
            http:
              trusted-proxies: [127.0.0.1, 10.0.0.0/8]
              metrics-readers: [192.0.2.0/24]
              hosts: a.example.org, b.example.org
              allowed-origins: ["https://app.example.org", "http://[::1]:3000"]
              require-login: yes
              long-ids: yes
              targets: ["work imap=IMAP.example.org:993 smtp=[::1]:465", "home imap=192.0.2.1:993"]
            log:
              level: Debug
            """
        )
        #expect(settings.hostname == "mail.example.org")
        #expect(settings.limits.messageSize == 65536)
        #expect(settings.imap.inactivityTimeout == .seconds(3600))
        #expect(settings.imap.withheld == ["IDLE", "PREVIEW ann@example.org"])
        #expect(settings.relay.allowsPrivateAddresses)
        #expect(settings.relay.parallel == 7)
        #expect(settings.relay.resolver == "127.0.0.1@5353")
        #expect(settings.relay.smarthosts.last?.smarthost?.host == "smtp.example.org")
        #expect(settings.relay.smarthosts.last?.smarthost?.security == .opportunistic)
        #expect(settings.http.trustedProxies == ["127.0.0.1", "10.0.0.0/8"])
        #expect(settings.http.metricsReaders == ["192.0.2.0/24"])
        #expect(settings.http.hosts == ["a.example.org", "b.example.org"])
        #expect(settings.http.allowedOrigins == ["https://app.example.org", "http://[::1]:3000"])
        #expect(settings.http.targets.map(\.name) == ["work", "home"])
        #expect(settings.http.targets.first?.imap?.host == "imap.example.org")
        #expect(settings.http.targets.first?.smtp?.host == "::1")
        #expect(settings.http.targets.last?.smtp == nil)
        #expect(settings.http.requiresLogin && settings.http.idBits == 128)
        #expect(settings.logLevel == .debug)
    }

    @Test("The environment comes before the file") func environment() throws {
        let settings = try Self.read(
            "relay: {port: 1}\nhttp: {hosts: a.example.org}\nlimits: {message-size: 1MiB}",
            [
                "LETTERHOUSE_RELAY_PORT": "2525", "LETTERHOUSE_HTTP_HOSTS": "b.example.org, c.example.org",
                "LETTERHOUSE_LIMITS_MESSAGE_SIZE": "2MiB", "PATH": "/bin",
            ]
        )
        #expect(settings.relay.port == 2525)
        #expect(settings.http.hosts == ["b.example.org", "c.example.org"])
        #expect(settings.limits.messageSize == 2 << 20)
    }

    @Test(
        "An empty file, and sections without settings, are the defaults",
        arguments: ["", "# nothing\n", "relay:\nlog: ~\n"]
    )
    func nothing(text: String) throws {
        #expect(try Self.read(text) == Self.read("hostname: localhost"))
    }

    @Test(
        "Each kind of fault is told with its line and what is expected",
        arguments: [
            ("hostname: -x-", "file:1: hostname: expected a domain name such as mail.example.org"),
            ("\nhostname: a..b", "file:2: hostname: expected a domain name such as mail.example.org"),
            ("hostname: [a, b]", "file:1: hostname: expected one value, not a list"),
            ("limits:\n  connections: many", "file:2: limits.connections: expected a number from 10 to 1000000"),
            ("limits:\n  connections: 9", "file:2: limits.connections: expected a number from 10 to 1000000"),
            ("limits:\n  connections: +10", "file:2: limits.connections: expected a number from 10 to 1000000"),
            (
                "limits:\n  message-size: 5MB",
                "file:2: limits.message-size: expected a size such as 50MiB, from 64KiB to 1GiB"
            ),
            (
                "limits:\n  message-size: 99999999999999999GiB",
                "file:2: limits.message-size: expected a size such as 50MiB, from 64KiB to 1GiB"
            ),
            (
                "imap:\n  inactivity-timeout: 29m",
                "file:2: imap.inactivity-timeout: expected a duration such as 30m, 4h or 5d, at least 30m"
            ),
            (
                "imap:\n  inactivity-timeout: 9999999999999999999d",
                "file:2: imap.inactivity-timeout: expected a duration such as 30m, 4h or 5d, at least 30m"
            ),
            (
                "imap:\n  inactivity-timeout: 1800",
                "file:2: imap.inactivity-timeout: expected a duration such as 30m, 4h or 5d, at least 30m"
            ),
            (
                "relay:\n  allow-private-addresses: perhaps",
                "file:2: relay.allow-private-addresses: expected true or false"
            ),
            (
                "relay:\n  routes: [to example.net via]",
                "file:2: relay.routes: expected a value behind via in \"to example.net via\""
            ),
            (
                "relay:\n  routes: [via smtp.example.net]",
                "file:2: relay.routes: expected to and a domain, or from and an address, in \"via smtp.example.net\""
            ),
            (
                "relay:\n  routes: [to example.net]",
                "file:2: relay.routes: expected either direct or via and a server in \"to example.net\""
            ),
            (
                "relay:\n  trust-anchor: /etc/hostname",
                "file:2: relay.trust-anchor: expected relay.resolver with an address beside it"
            ),
            (
                "relay:\n  resolver: dns",
                "file:2: relay.resolver: expected an address such as 192.0.2.53 or 192.0.2.53@5353, or recursion"
            ),
            (
                "relay:\n  smarthost:\n    host: a b",
                "file:3: relay.smarthost.host: expected the name of a server such as smtp.example.org"
            ),
            (
                "relay:\n  smarthost:\n    security: none",
                "file:3: relay.smarthost.security: expected one of implicit, starttls, opportunistic"
            ),
            (
                "relay:\n  smarthost:\n    host: smtp.example.org\n    user: me",
                "file:4: relay.smarthost.user: expected relay.smarthost.password-file beside it"
            ),
            ("tls:\n  key: /nowhere", "file:2: tls.key: expected a file that can be read"),
            ("tls:\n  key: /dev/null", "file:2: tls.key: expected tls.certificate beside it"),
            (
                "listen:\n  imap: [\"143\"]",
                "file:2: listen.imap: expected addresses such as 127.0.0.1:1143 or [::]:143"
            ),
            (
                "listen:\n  imap: [\"::1:143\"]",
                "file:2: listen.imap: expected addresses such as 127.0.0.1:1143 or [::]:143"
            ),
            (
                "listen:\n  imap: [\"a:65536\"]",
                "file:2: listen.imap: expected addresses such as 127.0.0.1:1143 or [::]:143"
            ),
            ("listen:\n  imap: [{a: b}]", "file:2: listen.imap: expected a list of values"),
            ("http:\n  prefix: mail", "file:2: http.prefix: expected a path that begins and ends with /"),
            (
                "http:\n  hosts: [\"a:80\"]",
                "file:2: http.hosts: expected domain names such as mail.example.org, without ports"
            ),
            (
                "http:\n  require-login: yes\n  targets: [work imap=imap.example.org]",
                "file:3: http.targets: expected different names, each with servers behind it, such as "
                    + "work imap=imap.example.org:993 smtp=smtp.example.org:465"
            ),
            (
                "http:\n  allowed-origins: [https://app.example.org/]",
                "file:2: http.allowed-origins: expected origins in lower case such as https://app.example.org or "
                    + "http://localhost:3000"
            ),
            (
                "http:\n  trusted-proxies: [10.0.0.0/33]",
                "file:2: http.trusted-proxies: expected addresses and networks such as 127.0.0.1 or 10.0.0.0/8"
            ),
            ("http:\n  unused-timeout: 60s", "file:2: http.unused-timeout: expected more than http.poll-timeout"),
            ("relay: 5", "file:1: relay: expected settings below it"),
            ("\n\nrelay:\n  prot: 25", "file:4: relay.prot: there is no such setting"),
            ("colour:", "file:1: colour: there is no such setting"),
            ("hostname: a\nhostname: b", "file:1: hostname twice"),
            ("- a\n- b", "file:1: expected settings, as `key: value`"),
            ("hostname: *there", "file:1: found undefined alias"),
        ]
    )
    func fault(text: String, told: String) throws {
        let faults = try Self.faults(text)
        #expect(faults.contains(told), "\(faults)")
    }

    @Test("What is no YAML is told with its line") func notYAML() throws {
        let faults = try Self.faults("hostname: a\nrelay: [1, 2\nlog: {")
        #expect(faults.count == 1)
        #expect(faults.first?.contains(#/^file:[234]: /#) == true, "\(faults)")
    }

    @Test("All faults are told together, in the order of their lines") func together() throws {
        let faults = try Self.faults(
            "log: {level: loud}\nnonsense: 1\nrelay: {port: 0}\nhostname: \"?\"",
            ["LETTERHOUSE_RELAY_PARALLEL": "0", "LETTERHOUSE_COLOUR": "red"]
        )
        #expect(
            faults == [
                "LETTERHOUSE_RELAY_PARALLEL: expected a number from 1 to 1000",
                "LETTERHOUSE_COLOUR: there is no such setting",
                "file:1: log.level: expected one of trace, debug, info, notice, warning, error, critical",
                "file:2: nonsense: there is no such setting",
                "file:3: relay.port: expected a number from 1 to 65535",
                "file:4: hostname: expected a domain name such as mail.example.org",
            ]
        )
    }

    @Test("A file that is named must be there") func missing() {
        #expect(throws: InvalidSettings.self) { try Settings.load(path: "/nowhere/letterhouse.yaml", environment: [:]) }
    }

    @Test("Wrong settings end the program with EX_CONFIG, one fault on each line") func status() throws {
        let error = OperatorError(
            InvalidSettings(faults: [SettingsFault(line: 2, text: "b"), SettingsFault(line: 1, text: "a")])
        )
        #expect(error.status.rawValue == 78)
        #expect(error.text == "2 settings are wrong\na\nb")
    }

    @Test(
        "Sizes and durations are written with the largest unit",
        arguments: [(50 << 20, "50MiB"), (1 << 30, "1GiB"), (1000, "1000"), (0, "0"), (3 << 10, "3KiB")]
    )
    func sizes(octets: Int, text: String) {
        #expect(SizeText.text(of: octets) == text)
        #expect(SizeText.octets(of: text) == octets)
    }
}
