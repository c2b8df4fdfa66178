// SPDX-License-Identifier: Apache-2.0

import MailMessage

extension MessageStory {
    /// One thing that has happened, for people.
    package struct Line: Hashable, Sendable {
        package var time: UnixTime
        /// As it came, perhaps with the words of strangers: nothing to be shown on a terminal as it is.
        package var text: String
    }

    /// The whole story for people, in its order.
    ///
    /// `timestamp` writes a time. What has happened to several recipients at the same time in the same words is one line.
    package func lines(timestamp: (UnixTime) -> String) -> [Line] {
        var lines = [Line(time: self.receivedAt, text: self.arrival)]
        if let results = self.facts.results { lines.append(Line(time: self.receivedAt, text: "sender: \(results)")) }
        for reason in self.facts.reasons { lines.append(Line(time: self.receivedAt, text: reason)) }
        var rest = self.events[...]
        while let first = rest.first {
            let same = rest.prefix { $0.isToldWith(first) }
            rest = rest.dropFirst(same.count)
            let names = BoundedList(same.compactMap(\.address)).text
            lines.append(Line(time: first.time, text: first.sentence(names: names, timestamp: timestamp)))
        }
        return lines
    }

    private var arrival: String {
        let recipients = self.facts.recipients.isEmpty ? "" : " for \(BoundedList(self.facts.recipients).text)"
        guard let client = self.facts.client else { return "made here\(recipients)" }
        let name = client.name.map { "\($0) " } ?? ""
        let account = client.account.map { ", logged in as \($0)" } ?? ""
        let tls = client.tls.map { ", \($0)" } ?? ", no TLS"
        return "received from \(name)[\(client.address)] by \(client.service)"
            + " (\(client.protocolName)\(tls))\(account)\(recipients)"
    }
}

extension MessageEvent {
    /// Whether the two are one line.
    fileprivate func isToldWith(_ other: MessageEvent) -> Bool {
        var copy = self
        copy.address = other.address
        // Each recipient's next attempt is drawn by itself.
        if self.kind == .deferred, other.kind == .deferred { copy.until = other.until }
        return copy == other
    }

    fileprivate func sentence(names: String, timestamp: (UnixTime) -> String) -> String {
        let words = self.detail.map { ": \($0)" } ?? ""
        let tls = self.tls.map { " (\($0))" } ?? ""
        let entry = self.entry.map { "\($0.rawValue)" } ?? "?"
        let until = self.until.map(timestamp)
        switch self.kind {
        case .delivered: return "delivered to \(names)" + (self.detail.map { ", into \($0)" } ?? "")
        case .judged: return "junk for \(names)?\(words)"
        case .queued: return "queued as \(entry) for \(names)" + (until.map { ", held until \($0)" } ?? "")
        case .forwarded:
            let path = self.detail.map { " from <\($0)>" } ?? ""
            return "queued as \(entry) to be sent on to \(names)\(path)" + (until.map { ", held until \($0)" } ?? "")
        case .relayed: return "passed on for \(names)\(words)\(tls)"
        case .deferred: return "attempt failed for \(names)\(words)\(tls)" + (until.map { "; next at \($0)" } ?? "")
        case .postponed: return "not attempted for \(names)\(words)" + (until.map { "; next at \($0)" } ?? "")
        case .failed: return "failed for \(names)\(words)\(tls)"
        case .reported: return "the sender is told" + (self.detail.map { ", in \($0)" } ?? "")
        case .retried: return "an operator wants \(entry) tried at once"
        case .held: return "an operator has put \(entry) on hold"
        case .removed: return "an operator has removed \(entry) from the queue"
        }
    }
}

/// The first of several names, and how many more there are.
package struct BoundedList: Sendable {
    package let text: String

    package init(_ names: [String], limit: Int = 5) {
        let more = names.count - limit
        self.text = names.prefix(limit).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }
}
