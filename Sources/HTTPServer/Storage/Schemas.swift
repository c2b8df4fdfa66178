// SPDX-License-Identifier: Apache-2.0

import JSONSyntax
import MailStorage

/// What bodies and answers look like, in the words of JSON Schema.
enum Schemas {
    static let text: JSONValue = ["type": "string"]
    private static let number: JSONValue = ["type": "integer", "minimum": 0]
    private static let flag: JSONValue = ["type": "boolean"]
    private static let nullableText: JSONValue = ["type": ["string", "null"]]
    private static let uid: JSONValue = ["type": "integer", "minimum": 1, "maximum": 4_294_967_295]
    private static let state: JSONValue = ["type": "string", "pattern": "^[0-9]+$"]
    static let cursor: JSONValue = ["type": "integer", "minimum": 0, "maximum": 4_294_967_295]

    static let since = StorageRoute.Parameter(
        place: .query,
        name: "since",
        text: "A state that came with a list, or with changes",
        schema: Self.state,
        isRequired: true
    )
    static let ifMatch = StorageRoute.Parameter.field("If-Match", "Only if it is this one")
    static let idempotencyKey = StorageRoute.Parameter.field(
        "Idempotency-Key",
        "A name for the request: it is done once, and answered the same, for a day",
        ["type": "string", "minLength": 1, "maxLength": .number(Int64(RequestKey.longest))]
    )

    private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

    /// An object with these members, all of them but `optional`.
    private static func object(_ members: [String: JSONValue], optional: Set<String> = []) -> JSONValue {
        [
            "type": "object",
            "properties": .object(members),
            "required": .array(members.keys.filter { !optional.contains($0) }.sorted().map(JSONValue.string)),
        ]
    }

    /// What a client sends: nothing else is understood.
    private static func closed(_ members: [String: JSONValue], optional: Set<String> = []) -> JSONValue {
        guard case .object(var schema) = Self.object(members, optional: optional) else { return .null }
        schema["additionalProperties"] = false
        return .object(schema)
    }

    static let problem = Self.object(
        [
            "type": Self.text, "title": Self.text, "status": Self.number, "code": Self.text, "detail": Self.text,
            "keys": Self.list(Self.text), "smtp": Self.number, "text": Self.text,
        ],
        optional: ["keys", "smtp", "text"]
    )

    // MARK: Answers

    static let store = Self.object([
        "version": ["const": 1],
        "state": Self.state,
        "caps": ["type": "object", "additionalProperties": Self.flag],
        "limits": ["type": "object", "additionalProperties": Self.number],
    ])
    static let quota = Self.object([
        "octets": Self.object(["used": Self.number, "limit": ["type": ["integer", "null"]]]),
        "messages": Self.object(["used": Self.number, "limit": ["type": ["integer", "null"]]]),
    ])
    static let mailbox = Self.object(
        [
            "id": Self.text, "name": Self.list(Self.text), "role": Self.text, "roles": Self.list(Self.text),
            "uidvalidity": Self.uid, "uidnext": Self.uid, "state": Self.state, "exists": Self.number,
            "unseen": Self.number, "deleted": Self.number, "size": Self.number, "subscribed": Self.flag,
            "etag": Self.text,
        ],
        optional: ["role", "roles"]
    )
    static let event = Self.object([
        "state": Self.state, "mailboxes": ["type": "object", "additionalProperties": Self.state],
    ])
    static let appended = Self.object([
        "id": Self.text, "uid": Self.uid, "uidvalidity": Self.uid, "modseq": Self.number,
    ])
    static let expunged = Self.object(["vanished": Self.list(Self.uid), "state": Self.state])
    static let flagged = Self.object([
        "changed": Self.list(
            Self.object(["uid": Self.uid, "flags": Self.list(Self.text), "modseq": Self.number])
        ),
        "failed": Self.list(Self.uid),
        "state": Self.state,
    ])
    static let copied = Self.object([
        "map": Self.list(["type": "array", "items": Self.uid, "minItems": 2, "maxItems": 2]),
        "uidvalidity": Self.uid,
        "state": Self.state,
    ])
    static let meta = Self.object([
        "id": Self.text, "size": Self.number, "preview": Self.text,
        "envelope": ["type": "object"], "structure": ["type": "object"],
    ])
    static let reply = Self.object(["smtp": Self.number, "text": Self.text])
    static let token = Self.object(["account": Self.text, "token": Self.text, "expires": Self.text])

    // MARK: Bodies

    static let login = Self.closed(["user": Self.text, "secret": Self.text])
    static let mailboxChange = Self.closed(
        [
            "name": ["type": "array", "items": ["type": "string", "minLength": 1], "minItems": 1],
            "role": [
                "enum": .array(SpecialUse.allCases.map { .string($0.rawValue.lowercased()) } + [.null])
            ],
            "subscribed": Self.flag,
        ],
        optional: ["name", "role", "subscribed"]
    )
    private static let chosen: [String: JSONValue] = ["uids": Self.list(Self.uid), "ids": Self.list(Self.text)]
    static let selection = Self.closed(Self.chosen, optional: ["uids", "ids"])
    static let flagChange = Self.closed(
        Self.chosen.merging([
            "add": Self.list(Self.text), "remove": Self.list(Self.text), "set": Self.list(Self.text),
            "unmodified_since": Self.number,
        ]) { first, _ in first },
        optional: ["uids", "ids", "add", "remove", "set", "unmodified_since"]
    )
    static let copy = Self.closed(
        Self.chosen.merging(["to": Self.text, "move": Self.flag]) { first, _ in first },
        optional: ["uids", "ids", "move"]
    )
    static let search = Self.closed(
        ["filter": ["type": "object"], "sort": Self.list(["type": "object"]), "limit": Self.uid],
        optional: ["filter", "sort", "limit"]
    )
}
