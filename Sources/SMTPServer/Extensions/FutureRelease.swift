// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import SMTPSyntax

/// FUTURERELEASE, RFC 4865: our users' messages that are to go out later, to recipients here and elsewhere.
enum FutureRelease: SMTPExtension {
    static let keyword = "FUTURERELEASE"

    // "FUTURERELEASE" SP max-future-release-interval SP max-future-release-date-time (RFC 4865 §4)
    static func ehloParameters(_ view: SMTPView) -> String? {
        guard view.role.isSubmission else { return nil }
        let limit = view.service.options.futureReleaseLimit
        return "\(limit) \(Timestamp.text(of: Self.now(view).advanced(by: limit)))"
    }

    static var mailParameters: [String: MailParameterRule] {
        [
            "HOLDFOR": { parameters, view, transaction in
                guard let seconds = try parameters.holdFor() else { return }
                try Self.hold(&transaction, until: Self.now(view).advanced(by: seconds), view)
            },
            "HOLDUNTIL": { parameters, view, transaction in
                guard let text = try parameters.holdUntil() else { return }
                guard let time = Timestamp.time(of: text) else { throw SyntaxError(expected: "date-time (RFC 3339)") }
                try Self.hold(&transaction, until: time, view)
            },
        ]
    }

    /// One or the other; neither too far away nor over.
    private static func hold(_ transaction: inout MailTransaction, until time: UnixTime, _ view: SMTPView) throws {
        guard transaction.releasedAt == nil else { throw SyntaxError(expected: "HOLDFOR or HOLDUNTIL, not both") }
        let now = Self.now(view)
        guard time > now, time <= now.advanced(by: view.service.options.futureReleaseLimit) else {
            throw Reply.releaseOutOfRange
        }
        transaction.releasedAt = time
    }

    private static func now(_ view: SMTPView) -> UnixTime { UnixTime(view.service.time.unixTime()) }
}

/// Points in time as RFC 3339 writes them.
enum Timestamp {
    /// In UTC: `2026-01-31T00:00:00Z`.
    static func text(of time: UnixTime) -> String {
        let civil = CivilTime(time)
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let date = [digits(civil.year, 4), digits(civil.month, 2), digits(civil.day, 2)].joined(separator: "-")
        let clock = [civil.hour, civil.minute, civil.second].map { digits($0, 2) }.joined(separator: ":")
        return "\(date)T\(clock)Z"
    }

    /// The time, a fraction of a second dropped; nil for what is none.
    ///
    /// date-time = full-date "T" full-time (RFC 3339 §5.6)
    static func time(of text: String) -> UnixTime? {
        var rest = Array(text.utf8)[...]
        func literal(_ octet: UInt8) -> Bool {
            guard rest.first.map({ $0 | 0x20 == octet | 0x20 }) == true else { return false }
            rest.removeFirst()
            return true
        }
        func number(_ count: Int) -> Int? {
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest.removeFirst(count)
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        guard let year = number(4), literal(0x2D), let month = number(2), literal(0x2D), let day = number(2),
            literal(UInt8(ascii: "T")), let hour = number(2), literal(0x3A), let minute = number(2), literal(0x3A),
            let second = number(2),
            let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !fraction.isEmpty else { return nil }
            rest = rest[fraction.endIndex...]
        }
        guard let offset = Self.offset(rest) else { return nil }
        return civil.unixTime.advanced(by: -offset)
    }

    /// Seconds east of UTC.
    ///
    /// time-offset = "Z" / ("+" / "-") time-hour ":" time-minute
    private static func offset(_ octets: ArraySlice<UInt8>) -> Int64? {
        if octets.count == 1, octets.first.map({ $0 | 0x20 }) == UInt8(ascii: "z") { return 0 }
        let text = Array(octets)
        guard text.count == 6, text[0] == 0x2B || text[0] == 0x2D, text[3] == 0x3A,
            [1, 2, 4, 5].allSatisfy({ (0x30...0x39).contains(text[$0]) })
        else { return nil }
        let digits = text.map { Int64($0) - 0x30 }
        let (hours, minutes) = (digits[1] * 10 + digits[2], digits[4] * 10 + digits[5])
        guard hours < 24, minutes < 60 else { return nil }
        return (hours * 60 + minutes) * (text[0] == 0x2D ? -60 : 60)
    }
}
