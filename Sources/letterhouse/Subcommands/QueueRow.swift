// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// A message that waits, as a line of `queue list` and an object for programs.
struct QueueRow: ConsoleRow {
    struct Recipient: Encodable {
        var address: String
        var attempts: Int
        var next: String
        var reply: String?
    }

    static let header = ["ID", "ARRIVED", "SIZE", "FROM", "FOR", "NEXT ATTEMPT", "LAST REPLY"]

    var id: Int64
    var arrived: String
    var size: Int
    var from: String
    var hold: Bool
    var recipients: [Recipient]
    private let cellOfNext: String

    private enum CodingKeys: String, CodingKey { case id, arrived, size, from, hold, recipients }

    init(_ entry: QueueEntry) {
        self.id = entry.id.rawValue
        self.arrived = entry.receivedAt.timestamp
        self.size = entry.size - entry.relayFrom
        self.from = entry.reversePath
        self.hold = entry.isOnHold
        self.recipients = entry.recipients.map {
            Recipient(
                address: "\($0.recipient.localPart)@\($0.recipient.domain)",
                attempts: $0.attempts,
                next: $0.nextAttempt.timestamp,
                reply: $0.lastReply
            )
        }
        self.cellOfNext = entry.isOnHold ? "on hold" : entry.recipients.map(\.nextAttempt).min()?.timestamp ?? "-"
    }

    var cells: [String] {
        let first = self.recipients.first?.address ?? "-"
        let others = self.recipients.count - 1
        return [
            "\(self.id)", self.arrived, "\(self.size)", self.from.isEmpty ? "<>" : self.from,
            others > 0 ? "\(first) and \(others) more" : first, self.cellOfNext,
            self.recipients.lazy.compactMap(\.reply).first ?? "-",
        ]
    }
}

/// A message that waits, with all its recipients, for people.
struct QueueEntryText {
    let entry: QueueEntry

    init(_ entry: QueueEntry) { self.entry = entry }

    var text: String {
        let row = QueueRow(self.entry)
        var lines = [
            "Message       \(row.id)\(row.hold ? ", on hold" : "")",
            "Arrived       \(row.arrived)",
            "Size          \(row.size) octets",
            "Reverse-path  <\(row.from.printable)>",
        ]
        for recipient in row.recipients {
            let attempts = recipient.attempts == 1 ? "1 attempt" : "\(recipient.attempts) attempts"
            lines.append("")
            lines.append("For           \(recipient.address.printable)")
            lines.append("              \(attempts)\(row.hold ? "" : ", next at \(recipient.next)")")
            if let reply = recipient.reply { lines.append("              \(reply.printable)") }
        }
        return lines.joined(separator: "\n")
    }
}
