// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Whether the lists can be used: each is asked about the addresses that every list knows, and none may know.
///
/// RFC 5782 §5: 127.0.0.2 is on every list of IPv4 addresses, 127.0.0.1 on none; of IPv6, ::FFFF:7F00:2 and ::FFFF:7F00:1. A
/// list that has been given up may list everything one day, so it is asked again after a while.
///
/// Pure: time is a parameter.
struct DNSListHealth: Sendable {
    enum Verdict: Sendable, Equatable {
        case usable
        /// Nobody could get mail through any more: its answers do not count.
        case listsEverything
        case refusesAnswers
        case lacksTestEntry
        /// Nobody could say: for a while nobody waits for that again.
        case unreachable
    }

    /// Of a list's part for one family.
    struct Part: Hashable, Sendable {
        let list: DNSList
        let family: IPAddress.Family

        /// Must be listed.
        var present: IPAddress {
            self.family == .ipv4 ? IPAddress(ipv4: 0x7F00_0002) : IPAddress(ipv6: 0xFFFF_7F00_0002)
        }
        /// Must not be listed.
        var absent: IPAddress {
            self.family == .ipv4 ? IPAddress(ipv4: 0x7F00_0001) : IPAddress(ipv6: 0xFFFF_7F00_0001)
        }
    }

    /// How long a verdict holds.
    static let lifetime: Duration = .seconds(3600)
    /// How long, where there is none.
    static let pause: Duration = .seconds(60)

    private var verdicts: [Part: (verdict: Verdict, until: Duration)] = [:]

    /// The verdict of the last hour; nil: it must be asked.
    func verdict(on part: Part, at now: Duration) -> Verdict? {
        self.verdicts[part].flatMap { now < $0.until ? $0.verdict : nil }
    }

    /// What the answers about the two addresses mean.
    static func verdict(present: DNSList.Answer, absent: DNSList.Answer) -> Verdict {
        switch (present, absent) {
        case (_, .listed): .listsEverything
        case (_, .unknown), (.unknown, _): .unreachable
        case (.refused, _), (_, .refused): .refusesAnswers
        case (.unlisted, .unlisted): .lacksTestEntry
        case (.listed, .unlisted): .usable
        }
    }

    /// Notes a verdict; true if it is news that somebody should hear.
    mutating func note(_ verdict: Verdict, on part: Part, at now: Duration) -> Bool {
        let known = self.verdicts[part]?.verdict
        self.verdicts[part] = (verdict, now + (verdict == .unreachable ? Self.pause : Self.lifetime))
        // Many lists know IPv4 addresses only.
        if verdict == .lacksTestEntry, part.family == .ipv6 { return false }
        return verdict != known && !(known == nil && verdict == .usable)
    }
}
