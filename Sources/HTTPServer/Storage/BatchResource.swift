// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage
import NIOCore

/// Several small requests in one, done one after the other; each is answered for itself.
enum BatchResource {
    /// Requests in one.
    static let limit = 100
    /// Octets of one answer.
    private static let answerLimit = 1 << 20
    private static let members: Set<String> = ["id", "method", "path", "fields", "body"]

    static let route = StorageRoute(
        method: .post,
        path: "v1/{account}/batch",
        scope: .read,
        summary: "Make several small requests of the same account",
        body: .lines,
        answers: [.init(200, "A line {id, status, body} for each request", .lines)],
        handler: Self.run
    )

    private static func run(_ call: StorageCall) async throws -> Response {
        try call.requireType("application/x-ndjson")
        let lines = try await call.octets().split(separator: 0x0A)
        guard lines.count <= Self.limit else { throw StorageRefusal.badBody("at most \(Self.limit) lines") }
        let requests = try lines.map { try JSONObject(Array($0), members: Self.members) }
        return .lines { stream in
            for request in requests {
                let response: Response
                do { response = try await Self.answer(request, call) } catch {
                    response = StorageRefusal(error).response
                }
                stream.add(try await Self.line(for: request, response))
                try await stream.flush()
            }
        }
    }

    /// Asks what one line asks for, in the name of who sent them all.
    private static func answer(_ line: JSONObject, _ call: StorageCall) async throws -> Response {
        guard let name = try line.text("method"), let method = HTTPRequest.Method(name),
            let path = try line.text("path")
        else { throw StorageRefusal.badBody("method and path") }
        let full = try "\(call.requireCaller().path)\(path.hasPrefix("/") || path.isEmpty ? "" : "/")\(path)"
        guard let target = RequestTarget(full) else { throw StorageRefusal.badPath }
        let (route, values) = try StorageService.route(method, target)
        guard route.isSmall, let scope = route.scope else {
            throw StorageRefusal.notPermitted("This cannot be one of several requests")
        }
        guard call.identity?.permits(scope) == true else { throw StorageRefusal.scope(scope) }
        var fields: HTTPFields = [:]
        if let value = line.value("fields") {
            let allowed = try JSONObject(value, members: ["If-Match", "If-None-Match", "Idempotency-Key"])
            fields[.ifMatch] = try allowed.text("If-Match")
            fields[.ifNoneMatch] = try allowed.text("If-None-Match")
            fields[.idempotencyKey] = try allowed.text("Idempotency-Key")
        }
        var octets: [UInt8] = []
        if let body = line.value("body") {
            octets = body.octets
            fields[.contentType] = "application/json"
        }
        let head = HTTPRequest(method: method, scheme: nil, authority: nil, path: full, headerFields: fields)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: octets)))
        let one = StorageCall(
            service: call.service,
            request: request,
            client: call.client,
            exchange: call.exchange,
            values: values,
            query: target.query,
            identity: call.identity,
            caller: call.caller
        )
        do {
            return try await route.handler(one)
        } catch {
            return StorageRefusal(error).response
        }
    }

    /// The answer to one line; lines of an answer are an array here.
    private static func line(for request: JSONObject, _ response: Response) async throws -> JSONValue {
        // What is there already tells of what was done: only what would have to be read may be too much.
        let collected = CollectedBody(limit: response.body.contentLength ?? Self.answerLimit)
        var status = response.status
        var body: JSONValue?
        do {
            try await response.body.write(CollectingWriter(collected))
            let octets = collected.octets
            if response.headers[.contentType] == "application/x-ndjson" {
                body = .array(try octets.split(separator: 0x0A).map { try Self.value(Array($0)) })
            } else if !octets.isEmpty {
                body = try Self.value(octets)
            }
        } catch {
            let refusal = StorageRefusal(error)
            (status, body) = (refusal.status, refusal.json)
        }
        var members: [String: JSONValue] = ["status": .number(Int64(status.code))]
        members["id"] = request.value("id")
        members["body"] = body
        members["etag"] = response.headers[.eTag].map(JSONValue.string)
        members["location"] = response.headers[.location].map(JSONValue.string)
        return .object(members)
    }

    private static func value(_ octets: [UInt8]) throws -> JSONValue {
        try JSONReader.value(in: octets, limits: JSONReader.Limits(depth: 200, values: octets.count))
    }
}
