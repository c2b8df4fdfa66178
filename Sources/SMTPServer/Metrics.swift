// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import Metrics
import SenderAuthentication

/// Every meter of this module.
///
/// Those with labels are made once, because finding one by its labels costs more than a NOOP.
enum Metrics {
    private static let sessions = Meter(label: "letterhouse_smtp_sessions")
    private static let acceptedOctets = Counter(label: "letterhouse_smtp_accepted_octets_total")

    /// Sessions open now.
    static func sessionBegan() { Self.sessions.increment() }
    static func sessionEnded() { Self.sessions.decrement() }

    /// Octets of accepted messages, as they were sent.
    static func count(acceptedOctets: Int) { Self.acceptedOctets.increment(by: acceptedOctets) }

    private static let reports = Counter(label: "letterhouse_smtp_reports_total")

    /// Reports of delivery to senders.
    static func countReport() { Self.reports.increment() }

    private static let refusals = Dictionary(
        uniqueKeysWithValues: ClientLimits.Refusal.allCases.map { refusal in
            let dimensions = [("reason", refusal.rawValue)]
            return (refusal, Counter(label: "letterhouse_smtp_refused_sessions_total", dimensions: dimensions))
        }
    )

    /// The counter of sessions that could not begin.
    static func refusals(_ refusal: ClientLimits.Refusal) -> Counter? { Self.refusals[refusal] }

    static func count(refusal: ClientLimits.Refusal) { Self.refusals(refusal)?.increment() }

    private static let bans = Counter(label: "letterhouse_smtp_bans_total")

    /// Addresses that were banned.
    static func countBan() { Self.bans.increment() }

    // MARK: Commands

    /// How a command ended.
    ///
    /// AUTH and BDAT are ok when they have begun: what comes of them is counted as a login, or a message.
    enum Ending: String, CaseIterable { case ok, refused }

    /// The label of verbs that are none: no client's word becomes one.
    static let unknownCommand = "unknown"

    private static let commands = Self.counters(of: "letterhouse_smtp_commands_total", Ending.allCases) { ending in
        (ExtensionTable.verbs + [Self.unknownCommand]).map { ($0, [("command", $0), ("result", ending.rawValue)]) }
    }

    /// The counter of commands with one of our verbs, or ``unknownCommand``.
    static func commands(_ verb: String, _ ending: Ending) -> Counter? { Self.commands[ending]?[verb] }

    static func count(command verb: String, _ ending: Ending) { Self.commands(verb, ending)?.increment() }
    static func countUnknownCommand() { Self.count(command: Self.unknownCommand, .refused) }

    // MARK: Messages

    /// How a message ended.
    enum Verdict: String, CaseIterable { case accepted, refused }

    private static let messages = Self.counters(of: "letterhouse_smtp_messages_total", Verdict.allCases) { verdict in
        SMTPRole.allCases.map { ($0, [("role", $0.rawValue), ("result", verdict.rawValue)]) }
    }

    /// The counter of messages that came to their end.
    static func messages(_ role: SMTPRole, _ verdict: Verdict) -> Counter? { Self.messages[verdict]?[role] }

    static func count(message role: SMTPRole, _ verdict: Verdict) { Self.messages(role, verdict)?.increment() }

    private static let judgements = Dictionary(
        uniqueKeysWithValues: Likeness.allCases.map { likeness in
            let dimensions = [("verdict", likeness.rawValue)]
            return (likeness, Counter(label: "letterhouse_smtp_junk_verdicts_total", dimensions: dimensions))
        }
    )

    /// What recipients' own filters say of messages.
    static func count(judgement: Likeness) { Self.judgements[judgement]?.increment() }

    private static let dmarc = Dictionary(
        uniqueKeysWithValues: DMARCResult.allCases.map { result in
            (result, Counter(label: "letterhouse_smtp_dmarc_total", dimensions: [("result", result.rawValue)]))
        }
    )

    /// Messages by what DMARC said about them.
    static func count(dmarc result: DMARCResult) { Self.dmarc[result]?.increment() }

    private static let blocked = Counter(
        label: "letterhouse_smtp_listed_clients_total",
        dimensions: [("list", "block")]
    )
    private static let allowed = Counter(
        label: "letterhouse_smtp_listed_clients_total",
        dimensions: [("list", "allow")]
    )

    /// Clients that are on a list.
    static func count(standing: ClientStanding) {
        switch standing {
        case .blocked: Self.blocked.increment()
        case .allowed: Self.allowed.increment()
        case .exempt, .unlisted: break
        }
    }

    private static let milterFailures = Counter(label: "letterhouse_smtp_filter_failures_total")

    /// Filters that did not answer, or not as they must.
    static func countMilterFailure() { Self.milterFailures.increment() }

    // MARK: Logins

    /// How an authentication ended.
    enum Login: String, CaseIterable {
        case ok, failed
        /// There was no time to look at the password.
        case unavailable
        /// Too many wrong ones had come from the client's address.
        case refused
    }

    private static let logins = Dictionary(
        uniqueKeysWithValues: Login.allCases.map { login in
            let dimensions = [("protocol", "smtp"), ("result", login.rawValue)]
            return (login, Counter(label: "letterhouse_logins_total", dimensions: dimensions))
        }
    )

    /// The counter of authentications that came to their end.
    static func logins(_ login: Login) -> Counter? { Self.logins[login] }

    static func count(login: Login) { Self.logins(login)?.increment() }

    private static func counters<Result: Hashable, Key: Hashable>(
        of label: String,
        _ results: [Result],
        _ dimensions: (Result) -> [(Key, [(String, String)])]
    ) -> [Result: [Key: Counter]] {
        Dictionary(
            uniqueKeysWithValues: results.map { result in
                let counters = dimensions(result).map { ($0, Counter(label: label, dimensions: $1)) }
                return (result, Dictionary(uniqueKeysWithValues: counters))
            }
        )
    }
}
