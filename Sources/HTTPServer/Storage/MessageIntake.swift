// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailMessage
import MailStorage

/// Takes a message in as it comes, so that a large one never sits in memory.
enum MessageIntake {
    static func append(_ call: StorageCall) async throws -> Response {
        let (caller, mailbox) = (try call.requireCaller(), try call.mailboxID())
        try call.requireType("message/rfc822", "message/global")
        let (flags, date) = try Self.properties(call)
        guard try await caller.store.mailbox(mailbox) != nil else { throw StorageRefusal.notFound }
        try await Self.checkQuota(call, caller.store)
        var stage = caller.store.stage(limit: call.service.options.messageLimit)
        do {
            try await Self.receive(call, into: &stage)
            let message = try await stage.finish()
            let id = EmailID(digest: message.digest, internalDate: date)
            let key = try call.requestKey(
                message.digest,
                Array((call.request.headers[.storeFlags] ?? "").utf8),
                Array((call.request.headers[.storeDate] ?? "").utf8)
            )
            let new = NewMessage(message, flags: flags, internalDate: date)
            let outcome = try await caller.store.perform(.append(new, to: mailbox), once: key) { receipt in
                let json: JSONValue = [
                    "id": .string(id.text),
                    "uid": receipt.uids.first.map { .number(Int64($0.rawValue)) } ?? .null,
                    "uidvalidity": .number(Int64(receipt.uidValidity.rawValue)),
                    "modseq": .number(receipt.modSeq.rawValue),
                ]
                return StoreAnswer(status: 201, octets: json.octets)
            }
            if case .done(_, isReplay: false) = outcome {} else { await stage.abandon() }
            return try call.response(outcome, location: Self.location(outcome, caller))
        } catch {
            await stage.abandon()
            throw error
        }
    }

    /// Where the message is that the answer tells of: of one that came before, it may have been another moment's.
    private static func location(_ outcome: WorkOutcome, _ caller: StorageCall.Caller) -> String? {
        guard case .done(let answer, _) = outcome,
            let id = try? JSONReader.value(in: answer.octets, limits: JSONReader.Limits(depth: 2, values: 10))["id"]
        else { return nil }
        return id.text.map { "\(caller.path)/messages/\($0)" }
    }

    /// Throws ``StoreError/overQuota`` for what is announced and cannot stay, before any of it is taken.
    ///
    /// With a key, the message may be there already.
    private static func checkQuota(_ call: StorageCall, _ store: any ServedMailStore) async throws {
        guard call.request.headers[.idempotencyKey] == nil,
            let size = call.request.headers[.contentLength].flatMap(Int64.init)
        else { return }
        guard try await !store.quota().forbids(messages: 1, octets: size) else { throw StoreError.overQuota }
    }

    private static func properties(_ call: StorageCall) throws(StorageRefusal) -> (FlagSet, MessageDate) {
        let texts = (call.request.headers[.storeFlags] ?? "").split(separator: " ").map(String.init)
        guard texts.count <= FlagText.limit, let flags = FlagText.flags(texts) else {
            throw .badField("Store-Flags", "flags and keywords of IMAP, separated by spaces")
        }
        guard let text = call.request.headers[.storeDate] else {
            return (flags, MessageDate(time: UnixTime(rawValue: call.service.time.unixTime())))
        }
        guard let date = StorageDate.date(text) else {
            throw .badField("Store-Date", "a time such as 2026-11-21T08:00:00Z")
        }
        return (flags, date)
    }

    /// Takes the body, as long as it keeps coming.
    private static func receive(_ call: StorageCall, into stage: inout any MessageStage) async throws {
        let announced = call.request.headers[.contentLength].flatMap(Int.init)
        let limit = call.service.options.messageLimit
        if let announced, announced > limit { throw HTTPRefusal.tooBig }
        var progress = BodyProgress(options: call.service.bridge.options, now: call.service.time.now())
        do {
            for try await buffer in call.request.body {
                guard buffer.readableBytes <= limit - stage.size else { throw HTTPRefusal.tooBig }
                try progress.advance(by: buffer.readableBytes, now: call.service.time.now())
                try await stage.append(Array(buffer.readableBytesView)[...])
            }
        } catch {
            throw error is HTTPRefusal || error is StoreError || error is CancellationError
                ? error : HTTPRefusal.badBody
        }
        // A connection that ends where a body should go on is no end of the body.
        try Task.checkCancellation()
        guard announced == nil || announced == stage.size else { throw HTTPRefusal.badBody }
        guard stage.size > 0 else { throw StorageRefusal.badBody("a message") }
    }
}

/// Whether a body comes as fast as it must; one that stands still is the connection's to notice.
struct BodyProgress {
    private let options: HTTPServerOptions
    private var start: Duration
    private var count = 0

    init(options: HTTPServerOptions, now: Duration) {
        (self.options, self.start) = (options, now)
    }

    /// Throws ``HTTPRefusal/tooSlow``.
    mutating func advance(by octets: Int, now: Duration) throws(HTTPRefusal) {
        self.count += octets
        guard now - self.start >= self.options.bodyInterval else { return }
        guard self.count >= self.options.bodyProgress else { throw .tooSlow }
        (self.start, self.count) = (now, 0)
    }
}
