// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailMessage
import MailStorage

/// The messages of a mailbox: all, those that have changed, and one more.
enum MessagesResource {
    private static let fields: Set<String> = ["id", "uid", "flags", "date", "size", "modseq"]

    static let routes = [
        StorageRoute(
            method: .get,
            path: "v1/{account}/mailboxes/{mailbox}/messages",
            scope: .read,
            summary: "The messages of a mailbox, ascending by UID",
            parameters: [
                .query("after", "Only what is behind this cursor", Schemas.cursor),
                .query("limit", "At most so many (default: all)", ["type": "integer", "minimum": 1]),
                .query("fields", "What to tell of each, separated by commas: \(Self.fields.sorted())", Schemas.text),
            ],
            answers: [
                .init(
                    200,
                    "Lines of messages, {cursor, state} after each thousand or less, and {end, count, state} at the end",
                    .lines
                )
            ],
            handler: Self.list
        ),
        StorageRoute(
            method: .get,
            path: "v1/{account}/mailboxes/{mailbox}/changes",
            scope: .read,
            summary: "What has changed in a mailbox since a state",
            parameters: [Schemas.since],
            answers: [.init(200, "Lines {vanished}, lines of messages, and {end, state} at the end", .lines)],
            handler: Self.changes
        ),
        StorageRoute(
            method: .post,
            path: "v1/{account}/mailboxes/{mailbox}/messages",
            scope: .write,
            summary: "Add a message to a mailbox",
            parameters: [
                .field("Store-Flags", "Its flags, separated by spaces", Schemas.text),
                .field("Store-Date", "When it was received (RFC 3339)", Schemas.text),
                Schemas.idempotencyKey,
            ],
            body: .message,
            answers: [.init(201, "Where it is", .json(Schemas.appended))],
            handler: MessageIntake.append
        ),
    ]

    private static func list(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        let after = try call.number("after", in: 0...Int64(UInt32.max)) ?? 0
        let limit = Int(try call.number("limit", in: 1...Int64(UInt32.max)) ?? Int64(UInt32.max))
        let fields = try Self.fields(call)
        // Taken before the first line: what changes meanwhile comes with the changes since.
        guard let state = try await store.mailbox(id)?.status?.highestModSeq else { throw StorageRefusal.notFound }
        let read = Self.reader(of: id, store, since: nil)
        let first = try await read(UID(rawValue: UInt32(after)), min(limit, StorageService.batchSize))
        return .lines { stream in
            var (batch, count) = (first, 0)
            while true {
                for message in batch.messages { stream.add { Self.write(message, fields, to: &$0) } }
                count += batch.messages.count
                if let last = batch.messages.last {
                    stream.add(["cursor": .string("\(last.uid.rawValue)"), "state": .string(state.storageText)])
                }
                try await stream.flush()
                guard batch.hasMore, count < limit, let last = batch.messages.last else { break }
                batch = try await read(last.uid, min(limit - count, StorageService.batchSize))
            }
            stream.add(["end": true, "count": .number(Int64(count)), "state": .string(state.storageText)])
        }
    }

    private static func changes(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        guard let since = try call.state("since") else { throw StorageRefusal.badQuery("since") }
        guard let state = try await store.mailbox(id)?.status?.highestModSeq else { throw StorageRefusal.notFound }
        // A state of a store that has been put back to an older one, or one that nobody remembers. The account's may be
        // later than the mailbox's.
        guard try await since <= store.state(), let vanished = try await store.expunged(in: id, since: since) else {
            throw StorageRefusal.tooOld
        }
        let read = Self.reader(of: id, store, since: since)
        let first = try await read(UID(rawValue: 0), StorageService.batchSize)
        return .lines { stream in
            try await Self.write(vanished, to: &stream)
            var batch = first
            while true {
                for message in batch.messages { stream.add { Self.write(message, Self.fields, to: &$0) } }
                try await stream.flush()
                guard batch.hasMore, let last = batch.messages.last else { break }
                batch = try await read(last.uid, StorageService.batchSize)
            }
            stream.add(["end": true, "state": .string(max(since, state).storageText)])
        }
    }

    private static func reader(
        of id: MailboxID,
        _ store: any ServedMailStore,
        since: ModSeq?
    ) -> @Sendable (UID, Int) async throws -> MessageListing {
        { after, limit in try await store.listing(of: id, after: after, limit: limit, since: since) }
    }

    private static func fields(_ call: StorageCall) throws(StorageRefusal) -> Set<String> {
        guard let text = call.query["fields"] else { return Self.fields }
        let fields = Set(text.split(separator: ",").map(String.init))
        guard fields.isSubset(of: Self.fields), !fields.isEmpty else {
            throw .badQuery("fields: some of \(Self.fields.sorted().joined(separator: ", "))")
        }
        return fields
    }

    /// UIDs that are gone, as many to a line as messages to a batch.
    @concurrent private static func write(
        _ vanished: [ClosedRange<UID>],
        to stream: inout LineStream
    ) async throws {
        var uids: [JSONValue] = []
        for range in vanished {
            for uid in range.lowerBound.rawValue...range.upperBound.rawValue {
                uids.append(.number(Int64(uid)))
                if uids.count == StorageService.batchSize {
                    stream.add(["vanished": .array(uids)])
                    uids = []
                    try await stream.flush()
                }
            }
        }
        if !uids.isEmpty { stream.add(["vanished": .array(uids)]) }
    }

    /// Written by hand, for there may be a million of them.
    static func write(_ message: ListedMessage, _ fields: Set<String>, to output: inout [UInt8]) {
        var separator = UInt8(ascii: "{")
        func member(_ name: String, _ write: (inout [UInt8]) -> Void) {
            guard fields.contains(name) else { return }
            output.append(separator)
            separator = UInt8(ascii: ",")
            output += "\"\(name)\":".utf8
            write(&output)
        }
        member("id") { JSONValue.write(message.id.text, to: &$0) }
        member("uid") { $0 += "\(message.uid.rawValue)".utf8 }
        member("flags") { JSONValue.array(FlagText.texts(message.flags).map(JSONValue.string)).write(to: &$0) }
        member("date") { JSONValue.write(StorageDate.text(message.id.internalDate), to: &$0) }
        member("size") { $0 += "\(message.size)".utf8 }
        member("modseq") { $0 += "\(message.modSeq.rawValue)".utf8 }
        output.append(UInt8(ascii: "}"))
    }
}

/// Times as the API has them (RFC 3339), with the zone that a message came with.
enum StorageDate {
    static func text(_ date: MessageDate) -> String {
        let zone = date.zoneOffsetMinutes
        guard zone != 0 else { return date.time.timestamp }
        let local = date.time.advanced(by: Int64(zone) * 60).timestamp.dropLast()
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(local)\(zone < 0 ? "-" : "+")\(two(abs(zone) / 60)):\(two(abs(zone) % 60))"
    }

    static func date(_ text: String) -> MessageDate? {
        guard let time = UnixTime(timestamp: text) else { return nil }
        let zone = Array(text.utf8.suffix(6))
        guard zone.count == 6, zone[0] == UInt8(ascii: "+") || zone[0] == UInt8(ascii: "-") else {
            return MessageDate(time: time)
        }
        let digits = [zone[1], zone[2], zone[4], zone[5]].map { Int($0) - 0x30 }
        let minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3]
        return MessageDate(time: time, zoneOffsetMinutes: zone[0] == UInt8(ascii: "-") ? -minutes : minutes)
    }
}
