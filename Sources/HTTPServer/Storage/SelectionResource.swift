// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// What is done to some messages of a mailbox at once: all or nothing, and once under the same key.
enum SelectionResource {
    static let routes = [
        StorageRoute(
            method: .post,
            path: "v1/{account}/mailboxes/{mailbox}/expunge",
            scope: .write,
            summary: "Remove messages, whatever flags they have",
            parameters: [Schemas.idempotencyKey],
            body: .json(Schemas.selection),
            answers: [.init(200, "What is gone", .json(Schemas.expunged))],
            isSmall: true,
            handler: Self.expunge
        ),
        StorageRoute(
            method: .post,
            path: "v1/{account}/mailboxes/{mailbox}/flags",
            scope: .write,
            summary: "Change messages' flags",
            parameters: [Schemas.idempotencyKey],
            body: .json(Schemas.flagChange),
            answers: [.init(200, "Their flags as they are now", .json(Schemas.flagged))],
            isSmall: true,
            handler: Self.changeFlags
        ),
        StorageRoute(
            method: .post,
            path: "v1/{account}/mailboxes/{mailbox}/copy",
            scope: .write,
            summary: "Copy messages to the end of a mailbox, or move them there",
            parameters: [Schemas.idempotencyKey],
            body: .json(Schemas.copy),
            answers: [.init(200, "Which became which", .json(Schemas.copied))],
            isSmall: true,
            handler: Self.copy
        ),
    ]

    private static func expunge(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        let (body, octets) = try await call.object(["uids", "ids"])
        let uids = try await body.selection(in: id, of: store)
        return try await Self.perform(.expunge(uids, in: id), call, octets) { receipt in
            ["vanished": Self.uids(receipt.uids), "state": .string(receipt.modSeq.storageText)]
        }
    }

    private static func changeFlags(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        let (body, octets) = try await call.object(["uids", "ids", "add", "remove", "set", "unmodified_since"])
        let operations: [(String, FlagChange.Operation)] = [("add", .add), ("remove", .remove), ("set", .replace)]
        let asked = operations.filter { body.has($0.0) }
        guard asked.count == 1, let (name, operation) = asked.first, let flags = try body.flags(name) else {
            throw StorageRefusal.badBody("one of add, remove and set")
        }
        let since = try body.number("unmodified_since", in: 0...Int64.max).map(ModSeq.init(rawValue:))
        let uids = try await body.selection(in: id, of: store)
        let work = StoreWork.changeFlags(uids, in: id, FlagChange(operation, flags), unchangedSince: since)
        return try await Self.perform(work, call, octets) { receipt in
            [
                "changed": .array(
                    receipt.flags.map { message in
                        [
                            "uid": .number(Int64(message.uid.rawValue)),
                            "flags": .array(FlagText.texts(message.flags).map(JSONValue.string)),
                            "modseq": .number(message.modSeq.rawValue),
                        ]
                    }
                ),
                "failed": Self.uids(receipt.modified),
                "state": .string(receipt.modSeq.storageText),
            ]
        }
    }

    private static func copy(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        let (body, octets) = try await call.object(["uids", "ids", "to", "move"])
        let isMove = try body.flag("move") ?? false
        guard let name = try body.text("to") else { throw StorageRefusal.badBody("to: a mailbox's id") }
        let uids = try await body.selection(in: id, of: store)
        guard let target = MailboxID(storageText: name), try await store.mailbox(target) != nil else {
            throw StorageRefusal.notPermitted("There is no mailbox of the id in to")
        }
        let work = StoreWork.copy(uids, from: id, to: target, isMove: isMove)
        return try await Self.perform(work, call, octets) { receipt in
            [
                "map": .array(
                    zip(receipt.uids, receipt.targets).map { from, to in
                        [.number(Int64(from.rawValue)), .number(Int64(to.rawValue))]
                    }
                ),
                "uidvalidity": .number(Int64(receipt.uidValidity.rawValue)),
                "state": .string(receipt.modSeq.storageText),
            ]
        }
    }

    private static func perform(
        _ work: StoreWork,
        _ call: StorageCall,
        _ body: [UInt8],
        answer: @escaping @Sendable (WorkReceipt) -> JSONValue
    ) async throws -> Response {
        let key = try call.requestKey(body)
        guard key == nil || work.count <= RequestKey.messages else {
            throw StorageRefusal.badBody("at most \(RequestKey.messages) messages with an Idempotency-Key")
        }
        let outcome = try await call.requireCaller().store.perform(work, once: key) { receipt in
            StoreAnswer(status: 200, octets: answer(receipt).octets)
        }
        return try call.response(outcome)
    }

    private static func uids(_ uids: [UID]) -> JSONValue { .array(uids.map { .number(Int64($0.rawValue)) }) }
}

extension StoreWork {
    /// Messages that it is about.
    fileprivate var count: Int {
        switch self {
        case .append: 1
        case .expunge(let uids, _), .changeFlags(let uids, _, _, _), .copy(let uids, _, _, _): uids.count
        }
    }
}
