// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// The account's own mailboxes.
enum MailboxesResource {
    private static let members: Set<String> = ["name", "role", "subscribed"]
    private static let body = StorageRoute.Content.json(Schemas.mailboxChange)

    static let routes = [
        StorageRoute(
            method: .get,
            path: "v1/{account}/mailboxes",
            scope: .read,
            summary: "All mailboxes",
            parameters: [.field("If-None-Match", "A state of the account that the client has")],
            answers: [
                .init(200, "Lines of mailboxes, and {end, state, list} at the end", .lines),
                .init(304, "The state is that one"),
            ],
            isSmall: true,
            handler: Self.list
        ),
        StorageRoute(
            method: .post,
            path: "v1/{account}/mailboxes",
            scope: .write,
            summary: "Make a mailbox, and those above it that are missing",
            body: Self.body,
            answers: [.init(201, "The mailbox", .json(Schemas.mailbox))],
            isSmall: true,
            handler: Self.create
        ),
        StorageRoute(
            method: .get,
            path: "v1/{account}/mailboxes/{mailbox}",
            scope: .read,
            summary: "One mailbox",
            parameters: [.field("If-None-Match", "The mailbox's etag that the client has")],
            answers: [.init(200, "The mailbox", .json(Schemas.mailbox)), .init(304, "It is that one")],
            isSmall: true,
            handler: Self.show
        ),
        StorageRoute(
            method: .patch,
            path: "v1/{account}/mailboxes/{mailbox}",
            scope: .write,
            summary: "Rename a mailbox, say what it is for, subscribe to it",
            parameters: [Schemas.ifMatch],
            body: Self.body,
            answers: [.init(200, "The mailbox as it is now", .json(Schemas.mailbox))],
            isSmall: true,
            handler: Self.update
        ),
        StorageRoute(
            method: .delete,
            path: "v1/{account}/mailboxes/{mailbox}",
            scope: .write,
            summary: "Delete a mailbox with its messages; those below it stay",
            parameters: [Schemas.ifMatch],
            answers: [.init(204, "It is gone")],
            isSmall: true,
            handler: Self.delete
        ),
    ]

    private static func list(_ call: StorageCall) async throws -> Response {
        let store = try call.requireCaller().store
        // Before the list: what changes meanwhile comes with the changes since.
        let state = try await store.state().storageText
        if let response = call.notModified(state) { return response }
        let overview = try await store.overview(includingAnnotations: false)
        return .lines(fields: [.eTag: "\"\(state)\""]) { stream in
            for entry in overview.mailboxes where !OtherUsers.contain(entry.mailbox.name) {
                stream.add(Self.json(entry))
            }
            stream.add(["end": true, "state": .string(state), "list": .string(Self.listTag(overview))])
        }
    }

    private static func show(_ call: StorageCall) async throws -> Response {
        let store = try call.requireCaller().store
        guard let entry = try await store.mailbox(call.mailboxID()) else { throw StorageRefusal.notFound }
        return call.notModified(Self.tag(entry)) ?? Self.response(entry)
    }

    private static func create(_ call: StorageCall) async throws -> Response {
        let caller = try call.requireCaller()
        let (body, _) = try await call.object(Self.members)
        guard let name = try Self.name(body) else { throw StorageRefusal.badBody("name") }
        let mailbox = try await caller.store.createMailbox(named: name, specialUses: try Self.roles(body) ?? [])
        if try body.flag("subscribed") == true { try await caller.store.setSubscribed(true, name: mailbox.name) }
        guard let entry = try await caller.store.mailbox(mailbox.id) else { throw StorageRefusal.notFound }
        var response = Self.response(entry, status: .created)
        response.headers[.location] = "\(caller.path)/mailboxes/\(mailbox.id.storageText)"
        return response
    }

    private static func update(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        let (body, _) = try await call.object(Self.members)
        let change = MailboxChange.update(
            name: try Self.name(body),
            specialUses: try Self.roles(body),
            isSubscribed: try body.flag("subscribed")
        )
        guard case .changed(let entry) = try await store.change(id, change, if: Self.condition(call)) else {
            throw StorageRefusal.changed
        }
        return Self.response(entry)
    }

    private static func delete(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.mailboxID())
        try await call.requireNoBody()
        guard case .deleted = try await store.change(id, .delete, if: Self.condition(call)) else {
            throw StorageRefusal.changed
        }
        return .noContent
    }

    /// What If-Match wants.
    private static func condition(_ call: StorageCall) -> @Sendable (AccountOverview.Entry) -> Bool {
        guard let field = call.request.headers[.ifMatch] else { return { _ in true } }
        return { StorageCall.names(Self.tag($0), in: field, strongly: true) }
    }

    /// The levels of a name.
    private static func name(_ body: JSONObject) throws(StorageRefusal) -> String? {
        guard let levels = try body.texts("name", limit: 100) else { return nil }
        guard !levels.isEmpty, levels.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: "/")) }) else {
            throw .badBody("name: levels without a slash")
        }
        let name = levels.joined(separator: "/")
        guard !OtherUsers.contain(name) else { throw .notPermitted("names of the user/ kind are those of others") }
        return name
    }

    /// The special uses that a role names; null is none.
    private static func roles(_ body: JSONObject) throws(StorageRefusal) -> [SpecialUse]? {
        guard body.has("role") else { return nil }
        if body.value("role") == .null { return [] }
        guard let text = try body.text("role"),
            let use = SpecialUse.allCases.first(where: { $0.rawValue.lowercased() == text })
        else {
            throw .badBody(
                "role: \(SpecialUse.allCases.map { $0.rawValue.lowercased() }.joined(separator: ", ")), null"
            )
        }
        return [use]
    }

    // MARK: As JSON

    private static func response(_ entry: AccountOverview.Entry, status: HTTPResponse.Status = .ok) -> Response {
        Response(json: Self.json(entry), status: status, fields: [.eTag: "\"\(Self.tag(entry))\""])
    }

    static func json(_ entry: AccountOverview.Entry) -> JSONValue {
        guard case .object(var members) = Self.untagged(entry) else { return .null }
        members["etag"] = .string(Self.tag(entry))
        return .object(members)
    }

    private static func tag(_ entry: AccountOverview.Entry) -> String { Fingerprint.tag(Self.untagged(entry).octets) }

    /// Names, roles and subscriptions: what changes when no message does.
    static func listTag(_ overview: AccountOverview) -> String {
        let own = overview.mailboxes.filter { !OtherUsers.contain($0.mailbox.name) }
        return Fingerprint.tag(JSONValue.array(own.map { .object(Self.names($0.mailbox)) }).octets)
    }

    private static func names(_ mailbox: Mailbox) -> [String: JSONValue] {
        let levels = mailbox.name.split(separator: "/", omittingEmptySubsequences: false)
        var members: [String: JSONValue] = [
            "id": .string(mailbox.id.storageText),
            "name": .array(levels.map { .string(String($0)) }),
            "uidvalidity": .number(Int64(mailbox.uidValidity.rawValue)),
            "subscribed": .bool(mailbox.isSubscribed),
        ]
        let roles = (mailbox.name == "INBOX" ? ["inbox"] : []) + mailbox.specialUses.map { $0.rawValue.lowercased() }
        members["role"] = roles.first.map(JSONValue.string)
        if roles.count > 1 { members["roles"] = .array(roles.map(JSONValue.string)) }
        return members
    }

    private static func untagged(_ entry: AccountOverview.Entry) -> JSONValue {
        var members = Self.names(entry.mailbox)
        if let status = entry.status {
            members["uidnext"] = .number(Int64(status.uidNext.rawValue))
            members["state"] = .string(status.highestModSeq.storageText)
            members["exists"] = .number(Int64(status.messages))
            members["unseen"] = .number(Int64(status.unseen))
            members["deleted"] = .number(Int64(status.deleted))
            members["size"] = .number(Int64(clamping: status.size))
        }
        return .object(members)
    }
}
