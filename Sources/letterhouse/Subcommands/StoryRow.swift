// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// A message of which something is known, as a line of a list.
struct StoryRow: ConsoleRow {
    static let header = ["ID", "ARRIVED", "SIZE", "FROM", "FOR", "MESSAGE-ID"]

    private let story: MessageStory

    init(_ story: MessageStory) { self.story = story }

    var cells: [String] {
        [
            self.story.facts.id ?? "-", self.story.receivedAt.timestamp, "\(self.story.size)",
            self.story.reversePath.isEmpty ? "<>" : self.story.reversePath,
            self.story.facts.recipients.isEmpty ? "-" : BoundedList(self.story.facts.recipients, limit: 1).text,
            self.story.messageID.map { "<\($0)>" } ?? "-",
        ]
    }

    func encode(to encoder: any Encoder) throws { try StoryRecord(self.story).encode(to: encoder) }
}

/// A message's story, for programs, and as text for people.
struct StoryRecord: Encodable {
    struct Client: Encodable {
        var address: String
        var name: String?
        var service: String
        var `protocol`: String
        var tls: String?
        var account: String?
    }

    struct Event: Encodable {
        var time: String
        var kind: String
        var address: String?
        var queue: Int64?
        var detail: String?
        var tls: String?
        var until: String?
    }

    var id: String?
    var messageID: String?
    var received: String
    var size: Int
    var from: String
    var recipients: [String]
    var junk: Bool
    var client: Client?
    var results: String?
    var reasons: [String]
    var events: [Event]

    init(_ story: MessageStory) {
        self.id = story.facts.id
        self.messageID = story.messageID
        self.received = story.receivedAt.timestamp
        self.size = story.size
        self.from = story.reversePath
        self.recipients = story.facts.recipients
        self.junk = story.isJunk
        self.client = story.facts.client.map {
            Client(
                address: $0.address,
                name: $0.name,
                service: $0.service,
                protocol: $0.protocolName,
                tls: $0.tls,
                account: $0.account
            )
        }
        self.results = story.facts.results
        self.reasons = story.facts.reasons
        self.events = story.events.map {
            Event(
                time: $0.time.timestamp,
                kind: $0.kind.rawValue,
                address: $0.address,
                queue: $0.entry?.rawValue,
                detail: $0.detail,
                tls: $0.tls,
                until: $0.until?.timestamp
            )
        }
    }

    /// For people, with what strangers have written made harmless.
    static func text(_ story: MessageStory) -> String {
        let header = [
            ("Message", story.facts.id ?? "-"),
            ("Message-ID", story.messageID.map { "<\($0)>" } ?? "-"),
            ("Reverse-path", "<\(story.reversePath)>"),
            ("Size", "\(story.size) octets"),
        ]
        let lines = header.map { name, value in
            name + String(repeating: " ", count: 14 - name.count) + value.printable
        }
        let events = story.lines(timestamp: \.timestamp).map { "\($0.time.timestamp)  \($0.text.printable)" }
        return (lines + [""] + events).joined(separator: "\n")
    }
}
