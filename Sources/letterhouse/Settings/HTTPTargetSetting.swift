// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// A server elsewhere as the settings name it for the bridge: the name that clients use, and where its services are.
///
///     work imap=imap.example.org:993 smtp=smtp.example.org:465
struct HTTPTargetSetting: Sendable, Equatable {
    struct Place: Sendable, Equatable {
        /// A DNS name or a numeric address; its certificate must be for that.
        let host: String
        let port: Int

        init?(_ text: String) {
            guard let place = ListenAddress(text), place.port > 0 else { return nil }
            let host = place.host.lowercased()
            guard (try? IPAddress(parsing: host)) != nil || Self.isName(host) else { return nil }
            (self.host, self.port) = (host, place.port)
        }

        private static func isName(_ host: String) -> Bool {
            host.utf8.count <= 253
                && host.wholeMatch(of: /[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*/) != nil
        }
    }

    let name: String
    private(set) var imap: Place?
    private(set) var smtp: Place?

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count >= 2, let name = words.first, name.wholeMatch(of: /[a-z0-9-]{1,40}/) != nil else {
            return nil
        }
        self.name = String(name)
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let place = Place(parts[1]) else { return nil }
            switch parts[0] {
            case "imap" where self.imap == nil: self.imap = place
            case "smtp" where self.smtp == nil: self.smtp = place
            default: return nil
            }
        }
    }
}
