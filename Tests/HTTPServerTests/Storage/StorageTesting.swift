// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailMessage
import MailStorage
import NIOCore
import SASLMechanisms
import SQLiteStorage
import Testing

@testable import HTTPServer

/// Asking the storage API in the name of an account.
struct StorageClient: Sendable {
    let fixture: Fixture
    let account: String
    let token: String

    var path: String { "/store/v1/\(self.account)" }

    @discardableResult
    func ask(
        _ method: HTTPRequest.Method,
        _ path: String,
        body: [UInt8] = [],
        type: String? = nil,
        fields: [String: String] = [:],
        exchange: Exchange = Exchange()
    ) async throws -> Answer {
        var head: HTTPFields = [.authorization: "Bearer \(self.token)"]
        for (name, value) in fields { head[try #require(HTTPField.Name(name))] = value }
        if let type { head[.contentType] = type }
        return try await self.fixture.ask(
            method,
            path.hasPrefix("/") ? path : path.isEmpty ? self.path : "\(self.path)/\(path)",
            RequestBody(buffer: ByteBuffer(bytes: body)),
            fields: head,
            exchange: exchange
        )
    }

    func get(_ path: String, fields: [String: String] = [:]) async throws -> Answer {
        try await self.ask(.get, path, fields: fields)
    }

    func post(_ path: String, _ json: JSONValue, fields: [String: String] = [:]) async throws -> Answer {
        try await self.ask(.post, path, body: json.octets, type: "application/json", fields: fields)
    }

    /// Adds a message; the answer.
    func append(_ text: String, to mailbox: String, fields: [String: String] = [:]) async throws -> Answer {
        try await self.ask(
            .post,
            "mailboxes/\(mailbox)/messages",
            body: Array(text.utf8),
            type: "message/rfc822",
            fields: fields
        )
    }

    /// The id of the mailbox with that name.
    func mailbox(_ name: String) async throws -> String {
        let lines = try await self.get("mailboxes").lines
        let line = try #require(
            lines.first { $0["name"] == .array(name.split(separator: "/").map { .string(String($0)) }) }
        )
        return try #require(line["id"]?.text)
    }
}

extension Fixture {
    /// A client with a token of the account `ann@example.org`, or another, which is made if need be.
    func client(
        _ account: String = "ann@example.org",
        scopes: Set<AccessScope> = [.read, .write, .deliver],
        expiresAt: UnixTime? = nil
    ) async throws -> StorageClient {
        if try await self.store.credential(for: account) == nil {
            _ = try await self.store.addAccount(account, verifier: "v")
        }
        let secret = try TokenSecret()
        _ = try await self.store.addToken(
            secret.digest,
            of: account,
            name: "test",
            scopes: scopes,
            expiresAt: expiresAt
        )
        return StorageClient(fixture: self, account: account, token: secret.text)
    }
}

extension Answer {
    private static let limits = JSONReader.Limits(depth: 100, values: 1_000_000)

    var json: JSONValue {
        get throws { try JSONReader.value(in: self.octets, limits: Self.limits) }
    }

    /// The lines of an NDJSON answer.
    var lines: [JSONValue] {
        get throws {
            #expect(self.fields[.contentType] == "application/x-ndjson", "\(self.text)")
            return try self.octets.split(separator: 0x0A).map {
                try JSONReader.value(in: Array($0), limits: Self.limits)
            }
        }
    }

    /// The code of a problem, which must be complete.
    var problem: String? {
        get throws {
            let json = try self.json
            #expect(self.fields[.contentType] == "application/problem+json")
            #expect(json["type"] == "about:blank")
            #expect(json["status"] == .number(Int64(self.status.code)))
            #expect(json["title"] != nil && json["detail"] != nil)
            return json["code"]?.text
        }
    }
}
