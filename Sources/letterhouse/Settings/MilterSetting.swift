// SPDX-License-Identifier: Apache-2.0

import SMTPServer
import SMTPSyntax

/// A filter as the settings name it: where it listens, and behind that how it is used.
///
///     /run/rspamd/milter.sock for=all unreachable=tempfail timeout=8s
struct MilterSetting: Sendable, Equatable {
    enum Address: Sendable, Equatable {
        case path(String)
        case network(address: String, port: Int)
    }

    /// Which messages it is asked about.
    enum Mail: String, Sendable, CaseIterable {
        /// What other servers bring.
        case incoming
        /// What our users submit.
        case submitted
        case all
    }

    /// As it was written, for the log.
    let name: String
    let address: Address
    private(set) var mail = Mail.incoming
    private(set) var whenUnreachable = Milter.WhenUnreachable.tempfail
    private(set) var timeout = Duration.seconds(8)

    /// Longer, and clients think that their message was lost (RFC 1047).
    static let longestTimeout = Duration.seconds(30)

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard let first = words.first.map(String.init) else { return nil }
        self.name = first
        if first.hasPrefix("/") {
            self.address = .path(first)
        } else if let place = ListenAddress(first), place.port > 0, (try? IPAddress(parsing: place.host)) != nil {
            self.address = .network(address: place.host, port: place.port)
        } else {
            return nil
        }
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "for":
                guard let mail = Mail(rawValue: parts[1]) else { return nil }
                self.mail = mail
            case "unreachable":
                guard let choice = Milter.WhenUnreachable(rawValue: parts[1]) else { return nil }
                self.whenUnreachable = choice
            case "timeout":
                guard let timeout = DurationText.duration(of: parts[1]),
                    (.seconds(1)...Self.longestTimeout).contains(timeout)
                else { return nil }
                self.timeout = timeout
            default: return nil
            }
        }
    }
}
