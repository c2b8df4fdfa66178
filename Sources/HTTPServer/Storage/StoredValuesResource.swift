// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// What programs keep here: octets under keys, which change only if they are what the program thinks.
enum StoredValuesResource {
    static let routes = [
        StorageRoute(
            method: .get,
            path: "v1/{account}/kv",
            scope: .read,
            summary: "The keys there are",
            parameters: [.query("prefix", "Only those that begin like this", Schemas.text)],
            answers: [.init(200, "Lines {key, size, etag}, and {end} at the end", .lines)],
            handler: Self.list
        ),
        StorageRoute(
            method: .get,
            path: "v1/{account}/kv/{key}",
            scope: .read,
            summary: "What is kept under a key",
            parameters: [.field("If-None-Match", "The value that the client has")],
            answers: [.init(200, "The value", .octets), .init(304, "It is that one")],
            handler: Self.show
        ),
        StorageRoute(
            method: .put,
            path: "v1/{account}/kv/{key}",
            scope: .write,
            summary: "Keep a value under a key",
            parameters: [Schemas.ifMatch, .field("If-None-Match", "*: only if there is none")],
            body: .octets,
            answers: [.init(204, "It is kept")],
            handler: Self.put
        ),
        StorageRoute(
            method: .delete,
            path: "v1/{account}/kv/{key}",
            scope: .write,
            summary: "Keep nothing under a key",
            parameters: [Schemas.ifMatch],
            answers: [.init(204, "There is nothing")],
            handler: Self.remove
        ),
    ]

    private static func list(_ call: StorageCall) async throws -> Response {
        let store = try call.requireCaller().store
        let prefix = call.query["prefix"] ?? ""
        let first = try await store.values(prefix: prefix, after: "", limit: StorageService.batchSize)
        return .lines { stream in
            var batch = first
            while true {
                for entry in batch {
                    stream.add([
                        "key": .string(entry.key), "size": .number(Int64(entry.size)),
                        "etag": .string(Self.tag(entry.digest)),
                    ])
                }
                try await stream.flush()
                guard batch.count == StorageService.batchSize, let last = batch.last else { break }
                batch = try await store.values(prefix: prefix, after: last.key, limit: StorageService.batchSize)
            }
            stream.add(["end": true])
        }
    }

    private static func show(_ call: StorageCall) async throws -> Response {
        let key = try Self.key(call)
        guard let octets = try await call.requireCaller().store.value(of: key) else { throw StorageRefusal.notFound }
        let tag = Self.tag(Fingerprint.of([octets]))
        if let response = call.notModified(tag) { return response }
        return Response(
            status: .ok,
            headers: [.contentType: "application/octet-stream", .eTag: "\"\(tag)\""],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: octets))
        )
    }

    private static func put(_ call: StorageCall) async throws -> Response {
        let key = try Self.key(call)
        let octets = try await call.octets(limit: StoredValueLimits.value)
        let value = StoredValue(octets: octets, digest: Fingerprint.of([octets]))
        guard try await call.requireCaller().store.setValue(value, of: key, if: Self.condition(call)) else {
            throw StorageRefusal.changed
        }
        return Response(status: .noContent, headers: [.eTag: "\"\(Self.tag(value.digest))\""], body: ResponseBody())
    }

    private static func remove(_ call: StorageCall) async throws -> Response {
        let key = try Self.key(call)
        try await call.requireNoBody()
        guard try await call.requireCaller().store.setValue(nil, of: key, if: Self.condition(call)) else {
            throw StorageRefusal.changed
        }
        return .noContent
    }

    /// What If-Match and If-None-Match want (RFC 9110 §13.1).
    private static func condition(_ call: StorageCall) -> @Sendable ([UInt8]?) -> Bool {
        let (match, noneMatch) = (call.request.headers[.ifMatch], call.request.headers[.ifNoneMatch])
        return { digest in
            if let match {
                guard let digest, StorageCall.names(Self.tag(digest), in: match, strongly: true) else { return false }
            }
            if let noneMatch, let digest, StorageCall.names(Self.tag(digest), in: noneMatch) { return false }
            return true
        }
    }

    private static func key(_ call: StorageCall) throws(StorageRefusal) -> String {
        guard let key = call.values["key"], (1...StoredValueLimits.key).contains(key.utf8.count),
            key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw .init(.badRequest, "bad-key", "Expected a key of 1 to \(StoredValueLimits.key) visible characters")
        }
        return key
    }

    private static func tag(_ digest: [UInt8]) -> String { EmailID.hexadecimal(digest.prefix(16)) }
}
