// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// One request, as its handler needs it.
struct StorageCall: Sendable {
    /// Whose mail is meant.
    struct Caller: Sendable {
        let account: Account
        let store: any ServedMailStore
        /// Where the account is, for locations.
        var path: String { "\(StorageService.prefix)v1/\(RequestTarget.encoded(self.account.address))" }
    }

    let service: StorageService
    let request: Request
    let client: HTTPClient
    let exchange: Exchange
    /// What stands in the path for each name of the route's.
    let values: [String: String]
    let query: [String: String]
    var identity: StorageIdentity?
    var caller: Caller?

    /// Whose mail is meant, of a route that has a scope.
    func requireCaller() throws(StorageRefusal) -> Caller {
        guard let caller = self.caller else { throw .unauthorized }
        return caller
    }

    // MARK: The path

    /// The mailbox in the path; what cannot be one is not there.
    func mailboxID() throws(StorageRefusal) -> MailboxID {
        guard let id = self.values["mailbox"].flatMap(MailboxID.init(storageText:)) else { throw .notFound }
        return id
    }

    func emailID() throws(StorageRefusal) -> EmailID {
        guard let id = self.values["message"].flatMap(EmailID.init) else { throw .notFound }
        return id
    }

    // MARK: The query

    /// A number in the query; nil if there is none.
    func number(_ name: String, in range: ClosedRange<Int64>) throws(StorageRefusal) -> Int64? {
        guard let text = self.query[name] else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text),
            range.contains(number)
        else {
            throw .badQuery("\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A state in the query: a mod-sequence.
    func state(_ name: String) throws(StorageRefusal) -> ModSeq? {
        guard let text = self.query[name] else { return nil }
        guard let state = ModSeq(storageText: text) else { throw .badQuery("\(name) is a state of this API") }
        return state
    }

    // MARK: The body

    /// The whole body, of a size that fits into memory.
    func octets(limit: Int = StorageService.bodyLimit) async throws -> [UInt8] {
        let bridge = self.service.bridge
        let body = try await bridge.body(of: self.request, from: self.client, limit: limit)
        defer { bridge.bodies.release(body.count, of: body.owner) }
        return body.octets
    }

    /// The body as JSON: an object, with no other members than these.
    func object(
        _ members: Set<String>,
        limit: Int = StorageService.bodyLimit
    ) async throws -> (JSONObject, octets: [UInt8]) {
        try self.requireType("application/json")
        let octets = try await self.octets(limit: limit)
        return (try JSONObject(octets, members: members), octets)
    }

    /// Throws unless the body is of that type.
    func requireType(_ types: String...) throws(StorageRefusal) {
        let type = self.request.headers[.contentType]?.split(separator: ";").first.map {
            $0.lowercased().filter { $0 != " " && $0 != "\t" }
        }
        guard let type, types.contains(type) else { throw .mediaType(types.joined(separator: " or ")) }
    }

    /// Throws unless there is no body.
    func requireNoBody() async throws {
        try await self.service.bridge.expectNoBody(of: self.request, from: self.client)
    }

    // MARK: Conditions

    /// Whether a condition field of the request names the entity tag, which is strong (RFC 9110 §13.1); `If-Match` wants
    /// it strong there too (§8.8.3.2).
    static func names(_ tag: String, in field: String, strongly: Bool = false) -> Bool {
        field.split(separator: ",").contains { candidate in
            var text = candidate.drop { $0 == " " || $0 == "\t" }
            while text.last == " " || text.last == "\t" { text.removeLast() }
            if !strongly, text.hasPrefix("W/") { text = text.dropFirst(2) }
            return text == "*" || text == "\"\(tag)\""
        }
    }

    /// 304 if the client has what the tag names (RFC 9110 §13.1.2).
    func notModified(_ tag: String, cache: String = "no-cache") -> Response? {
        guard let field = self.request.headers[.ifNoneMatch], Self.names(tag, in: field) else { return nil }
        return Response(
            status: .notModified,
            headers: [.eTag: "\"\(tag)\"", .cacheControl: cache],
            body: ResponseBody()
        )
    }

    /// The key that the client gave the request, with a digest of all that counts; nil if it gave none.
    func requestKey(_ parts: [UInt8]...) throws(StorageRefusal) -> RequestKey? {
        guard let key = self.request.headers[.idempotencyKey] else { return nil }
        // A string of RFC 8941, or the bare key.
        var text = key[...]
        if text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count >= 2 { text = text.dropFirst().dropLast() }
        guard (1...RequestKey.longest).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        else { throw .badField("Idempotency-Key", "1 to \(RequestKey.longest) visible characters") }
        let head = Array("\(self.request.method.rawValue) \(self.request.head.path ?? "")\n".utf8)
        return RequestKey(key: String(text), fingerprint: Fingerprint.of([head] + parts))
    }

    /// What a request that may have come before is answered with.
    func response(_ outcome: WorkOutcome, location: String? = nil) throws(StorageRefusal) -> Response {
        switch outcome {
        case .otherRequest: throw .keyReused
        case .running: throw .keyInUse
        case .done(let answer, let isReplay):
            var response = Response(
                status: HTTPResponse.Status(code: answer.status),
                headers: [.contentType: answer.status < 300 ? "application/json" : "application/problem+json"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.octets))
            )
            if let location, answer.status == 201 { response.headers[.location] = location }
            if answer.status == 503 { response.headers[.retryAfter] = "60" }
            if isReplay { response.headers[.idempotentReplay] = "1" }
            return response
        }
    }
}

extension MailboxID {
    /// As paths and lines have it: the same as IMAP's MAILBOXID.
    var storageText: String { "F\(self.rawValue)" }

    init?(storageText text: String) {
        guard text.hasPrefix("F"), let number = Int64(text.dropFirst()), number > 0, "F\(number)" == text else {
            return nil
        }
        self.init(rawValue: number)
    }
}

extension ModSeq {
    var storageText: String { "\(self.rawValue)" }

    init?(storageText text: String) {
        guard let number = Int64(text), number >= 0, "\(number)" == text else { return nil }
        self.init(rawValue: number)
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .server
    static let storeFlags = HTTPField.Name("Store-Flags") ?? .server
    static let storeDate = HTTPField.Name("Store-Date") ?? .server
    static let storeSender = HTTPField.Name("Store-Sender") ?? .server
    static let storeRecipient = HTTPField.Name("Store-Recipient") ?? .server
}

extension Response {
    /// A JSON answer.
    init(json: JSONValue, status: HTTPResponse.Status = .ok, fields: HTTPFields = [:]) {
        var fields = fields
        fields[.contentType] = "application/json"
        self.init(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.octets)))
    }

    static var noContent: Response { Response(status: .noContent, body: ResponseBody()) }
}
