// SPDX-License-Identifier: Apache-2.0

/// Sections that are there as a whole or not at all.
extension Settings {
    static func tls(_ reader: inout SettingsReader) -> TLS? {
        let certificate = reader.file("tls.certificate")
        let key = reader.file("tls.key")
        let clientAuthorities = reader.file("tls.client-authorities")
        let bindsChannels = reader.flag("tls.channel-binding", default: false)
        switch (certificate, key) {
        case (let certificate?, let key?):
            return TLS(
                certificate: certificate,
                key: key,
                clientAuthorities: clientAuthorities,
                bindsChannels: bindsChannels
            )
        case (nil, nil): reader.fault(["tls.client-authorities", "tls.channel-binding"], without: "tls.certificate")
        case (_?, nil): reader.fault("tls.certificate", expected: "tls.key beside it")
        case (nil, _?): reader.fault("tls.key", expected: "tls.certificate beside it")
        }
        return nil
    }

    static func tokens(_ reader: inout SettingsReader) -> Tokens? {
        let text = reader.optionalText("tokens.introspection")
        let clientID = reader.optionalText("tokens.client-id")
        let clientSecretFile = reader.file("tokens.client-secret-file")
        let accountClaim = reader.text("tokens.account-claim", default: "username")
        let scope = reader.optionalText("tokens.scope")
        // RFC 6749 §3.3.
        let isScope = scope?.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C } ?? true
        if !isScope { reader.fault("tokens.scope", expected: "one scope") }
        guard let text else {
            let others = ["client-id", "client-secret-file", "account-claim", "scope"]
            reader.fault(others.map { "tokens.\($0)" }, without: "tokens.introspection")
            return nil
        }
        guard let introspection = IntrospectionURL(text) else {
            reader.fault(
                "tokens.introspection",
                expected: "an https URL, or an http URL on this machine, such as https://id.example.org/introspect"
            )
            return nil
        }
        guard let clientID, let clientSecretFile else {
            reader.fault("tokens.introspection", expected: "tokens.client-id and tokens.client-secret-file beside it")
            return nil
        }
        return Tokens(
            introspection: introspection,
            clientID: clientID,
            clientSecretFile: clientSecretFile,
            accountClaim: accountClaim,
            scope: scope
        )
    }

    static func filters(_ reader: inout SettingsReader) -> Filters {
        let filters = Filters(
            blockLists: reader.addressLists("filters.block-lists"),
            allowLists: reader.addressLists("filters.allow-lists"),
            greylists: reader.flag("filters.greylist", default: false),
            greylistDelay: reader.duration("filters.greylist-delay", default: .seconds(300), atLeast: .seconds(1)),
            greylistWindow: reader.duration("filters.greylist-window", default: .seconds(86_400), atLeast: .seconds(2)),
            greylistMemory: reader.duration(
                "filters.greylist-memory",
                default: .seconds(36 * 86_400),
                atLeast: .seconds(3600)
            ),
            milters: reader.milters("filters.milters"),
            learnsJunk: reader.flag("filters.junk", default: true)
        )
        if filters.greylistWindow <= filters.greylistDelay {
            reader.fault("filters.greylist-window", expected: "more than filters.greylist-delay")
        }
        return filters
    }

    static func smarthost(_ reader: inout SettingsReader) -> Smarthost? {
        let host = reader.optionalHost("relay.smarthost.host")
        let smarthost = Smarthost(
            host: host ?? "",
            port: reader.number("relay.smarthost.port", default: 587, in: 1...65535),
            security: reader.choice("relay.smarthost.security", default: .starttls),
            user: reader.optionalText("relay.smarthost.user"),
            passwordFile: reader.file("relay.smarthost.password-file")
        )
        if host == nil, !reader.isGiven("relay.smarthost.host") {
            let others = ["port", "security", "user", "password-file"]
            reader.fault(others.map { "relay.smarthost.\($0)" }, without: "relay.smarthost.host")
            return nil
        }
        if smarthost.user != nil, smarthost.passwordFile == nil {
            reader.fault("relay.smarthost.user", expected: "relay.smarthost.password-file beside it")
        }
        if smarthost.user != nil, smarthost.security == .opportunistic {
            reader.fault("relay.smarthost.security", expected: "starttls or implicit, because there is a password")
        }
        return host == nil ? nil : smarthost
    }
}
