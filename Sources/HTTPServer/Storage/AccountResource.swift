// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// The account: what can be done with it, what has changed, what it uses.
enum AccountResource {
    static let routes = [
        StorageRoute(
            method: .get,
            path: "v1/{account}",
            scope: .read,
            summary: "What the account's store can do, and its state",
            parameters: [.field("If-None-Match", "A state that the client has")],
            answers: [
                .init(200, "The store", .json(Schemas.store)), .init(304, "The state is that one"),
            ],
            isSmall: true,
            handler: Self.describe
        ),
        StorageRoute(
            method: .get,
            path: "v1/{account}/changes",
            scope: .read,
            summary: "Which mailboxes have changed since a state",
            parameters: [Schemas.since],
            answers: [.init(200, "Lines {id, state}, and {end, state, list} at the end", .lines)],
            isSmall: true,
            handler: Self.changes
        ),
        StorageRoute(
            method: .get,
            path: "v1/{account}/quota",
            scope: .read,
            summary: "What the account uses, and may use",
            answers: [.init(200, "The quota", .json(Schemas.quota))],
            isSmall: true,
            handler: Self.quota
        ),
    ]

    /// What the API has; the article tells what each means.
    ///
    /// Nothing takes so long that it needs jobs, and a list is not of one moment: with the state at its end, and the
    /// changes since, it is.
    static let capabilities: JSONValue = [
        "changes": true, "events": true, "write": true, "flags": true, "copy": true, "move": true, "mailboxes": true,
        "search": true, "envelope": true, "structure": true, "parts": true, "kv": true, "batch": true, "quota": true,
        "deliver": true, "submit": true, "auth": true, "jobs": false, "read_your_writes": true,
        "ordered_state": true, "snapshot_list": false, "atomic_move": true,
    ]

    private static func describe(_ call: StorageCall) async throws -> Response {
        let state = try await call.requireCaller().store.state().storageText
        if let response = call.notModified(state) { return response }
        let limits: JSONValue = [
            "append": .number(Int64(call.service.options.messageLimit)),
            "page": .number(Int64(StorageService.batchSize)),
            "batch": .number(Int64(BatchResource.limit)),
            "selection": .number(Int64(StorageService.selectionLimit)),
            "selection_with_key": .number(Int64(RequestKey.messages)),
            "body": .number(Int64(StorageService.bodyLimit)),
            "requests": .number(Int64(call.service.options.requestsPerAccount)),
        ]
        return Response(
            json: ["version": 1, "state": .string(state), "caps": Self.capabilities, "limits": limits],
            fields: [.eTag: "\"\(state)\""]
        )
    }

    private static func changes(_ call: StorageCall) async throws -> Response {
        let store = try call.requireCaller().store
        guard let since = try call.state("since") else { throw StorageRefusal.badQuery("since") }
        let changes = try await store.changes(since: since)
        // A state of a store that has been put back to an older one.
        guard since <= changes.modSeq else { throw StorageRefusal.tooOld }
        let list = MailboxesResource.listTag(try await store.overview(includingAnnotations: false))
        return .lines { stream in
            for mailbox in changes.mailboxes {
                stream.add([
                    "id": .string(mailbox.id.storageText), "state": .string(mailbox.highestModSeq.storageText),
                ])
            }
            stream.add(["end": true, "state": .string(changes.modSeq.storageText), "list": .string(list)])
        }
    }

    private static func quota(_ call: StorageCall) async throws -> Response {
        let quota = try await call.requireCaller().store.quota()
        func member(_ used: Int64, _ limit: Int64?) -> JSONValue {
            ["used": .number(used), "limit": limit.map(JSONValue.number) ?? .null]
        }
        return Response(
            json: [
                "octets": member(quota.octets, quota.limits.octets),
                "messages": member(quota.messages, quota.limits.messages),
            ]
        )
    }
}

extension ServedMailStore {
    /// The account's mod-sequence.
    func state() async throws -> ModSeq {
        try await self.changes(since: ModSeq(rawValue: .max)).modSeq
    }
}
