// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailStorage
import SMTPServer
import SMTPSyntax

/// Messages on their way: into the account as LMTP would deliver them, and out of it as its user would submit them.
///
/// Both are conversations with the same engines as on their sockets, so the same rules hold.
enum DeliveryResource {
    static let routes = [
        StorageRoute(
            method: .post,
            path: "v1/{account}/deliver",
            scope: .deliver,
            summary: "Deliver a message to the account",
            parameters: [
                .field("Store-Sender", "The reverse-path; empty for reports (default: empty)"),
                .field("Store-Recipient", "An address of the account (default: its own)"),
                Schemas.idempotencyKey,
            ],
            body: .message,
            answers: [.init(201, "It is delivered", .json(Schemas.reply))],
            handler: Self.deliver
        ),
        StorageRoute(
            method: .post,
            path: "v1/{account}/submit",
            scope: .write,
            summary: "Send a message",
            parameters: [
                .field("Store-Sender", "The reverse-path (default: the account's address)"),
                StorageRoute.Parameter(
                    place: .header,
                    name: "Store-Recipient",
                    text: "The recipients, separated by commas: all of them get it, or none",
                    schema: ["type": "string"],
                    isRequired: true
                ),
                Schemas.idempotencyKey,
            ],
            body: .message,
            answers: [.init(201, "It will be sent", .json(Schemas.reply))],
            handler: Self.submit
        ),
    ]

    private static func deliver(_ call: StorageCall) async throws -> Response {
        let account = try call.requireCaller().account
        let recipient = try Self.address(call.request.headers[.storeRecipient] ?? account.address)
        let route = try await call.service.directory.route(
            localPart: recipient.localPart,
            domain: recipient.domain.lowercased()
        )
        // Another account's address is none of this one's, whoever else has it too.
        guard case .local(let accounts, let forwards) = route, accounts == [account.id], forwards.isEmpty else {
            throw StorageRefusal.notPermitted("The recipient is no address of the account alone")
        }
        let sender = try call.request.headers[.storeSender].flatMap { $0.isEmpty ? nil : try Self.address($0) }
        let transaction = SMTPTransaction(role: .lmtp, user: nil, sender: sender, recipients: [recipient])
        return try await Self.run(transaction, call)
    }

    private static func submit(_ call: StorageCall) async throws -> Response {
        let account = try call.requireCaller().account
        let sender = try Self.address(call.request.headers[.storeSender] ?? account.address)
        let recipients = try (call.request.headers[.storeRecipient] ?? "").split(separator: ",").map {
            try Self.address(String($0).trimmedOfSpace)
        }
        guard (1...call.service.smtp.options.recipientsLimit).contains(recipients.count) else {
            throw StorageRefusal.badField(
                "Store-Recipient",
                "1 to \(call.service.smtp.options.recipientsLimit) addresses"
            )
        }
        let transaction = SMTPTransaction(
            role: .submission,
            user: account.address,
            sender: sender,
            recipients: recipients
        )
        return try await Self.run(transaction, call)
    }

    /// Plays the transaction, once under the request's key.
    private static func run(_ transaction: SMTPTransaction, _ call: StorageCall) async throws -> Response {
        try call.requireType("message/rfc822", "message/global")
        let (service, store) = (call.service, try call.requireCaller().store)
        let limit = min(service.options.messageLimit, service.bridge.options.bodyLimit)
        let message = try await service.bridge.body(of: call.request, from: call.client, limit: limit)
        defer { service.bridge.bodies.release(message.count, of: message.owner) }
        guard !message.isEmpty else { throw StorageRefusal.badBody("a message") }
        let key =
            call.request.headers[.idempotencyKey] == nil
            ? nil
            : try call.requestKey(
                Array((call.request.headers[.storeSender] ?? "").utf8),
                Array((call.request.headers[.storeRecipient] ?? "").utf8),
                Fingerprint.ofWhole(message.pieces)
            )
        if let key, let known = try await store.begin(key) { return try call.response(known) }
        let reply: Reply?
        do {
            reply = try await transaction.run(message.pieces, for: call.client, service)
        } catch {
            // Nothing has been said that the client could rely on, and nothing accepted.
            if let key { try await store.end(key, with: nil) }
            throw error
        }
        guard let reply else {
            // The conversation broke off: whether the message was accepted, nobody knows.
            throw StorageRefusal(
                .serviceUnavailable,
                "broken-off",
                "The message may have been accepted, or not",
                fields: [.retryAfter: "60"]
            )
        }
        let answer = Self.answer(reply)
        // What was not accepted for the moment may come again under its key.
        if let key { try await store.end(key, with: answer.status == 503 ? nil : answer) }
        return try call.response(.done(answer, isReplay: false))
    }

    private static func answer(_ reply: Reply) -> StoreAnswer {
        let members: [String: JSONValue] = [
            "smtp": .number(Int64(reply.code)), "text": .string(reply.text),
        ]
        switch reply.severity {
        case .positiveCompletion, .positiveIntermediate:
            return StoreAnswer(status: 201, octets: JSONValue.object(members).octets)
        case .transientNegative:
            var refusal = StorageRefusal(.serviceUnavailable, "not-now", "The message was not accepted at this moment")
            refusal.members = members
            return StoreAnswer(status: 503, octets: refusal.json.octets)
        case .permanentNegative:
            var refusal = StorageRefusal(.unprocessableContent, "refused", "The message was refused")
            refusal.members = members
            return StoreAnswer(status: 422, octets: refusal.json.octets)
        }
    }

    private static func address(_ text: String) throws(StorageRefusal) -> EmailAddress {
        do { return try EmailAddress(parsing: text) } catch {
            throw .badField("Store-Sender and Store-Recipient", "addresses such as ann@example.org")
        }
    }
}

extension Reply {
    /// What it says, on one line.
    fileprivate var text: String {
        let code = self.enhanced.map { "\($0) " } ?? ""
        return code + self.lines.joined(separator: " ")
    }
}

extension String {
    fileprivate var trimmedOfSpace: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
