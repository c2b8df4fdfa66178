// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Why a request is not done: a status, a word for programs, and a line for people.
///
/// Never says what the client sent.
struct HTTPRefusal: Error, Equatable {
    let status: HTTPResponse.Status
    /// The value of `Bridge-Error`.
    let token: String
    let text: String
    /// Fields that belong to the status: `Allow`, `Retry-After`.
    var fields: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ token: String, _ text: String, fields: HTTPFields = [:]) {
        self.status = status
        self.token = token
        self.text = text
        self.fields = fields
    }

    var response: Response {
        var fields = self.fields
        fields[.bridgeError] = self.token
        return Response(status: self.status, fields: fields, text: self.text + "\n")
    }
}

extension HTTPRefusal {
    static let badID = Self(.badRequest, "bad-id", "Expected a connection ID in hexadecimal digits")
    static let badCharset = Self(.badRequest, "bad-charset", "Expected a character set name, other than UTF-7")
    static let badBody = Self(
        .badRequest,
        "bad-body",
        "Expected a complete body, and none with GET, DELETE or to close"
    )
    static let badField = Self(.badRequest, "bad-field", "Expected another value in a Bridge field")
    /// RFC 6455 §4.4.
    static let badUpgrade = Self(
        .upgradeRequired,
        "bad-upgrade",
        "Expected a WebSocket of version 13 with the subprotocol of this path",
        fields: [.upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13"]
    )
    /// The draft of the HTTPAPI working group about Idempotency-Key, §2.6.
    static let otherBatch = Self(.unprocessableContent, "key-reused", "This Idempotency-Key was another batch's")
    static let unfinished = Self(
        .conflict,
        "unfinished",
        "This batch was begun, and has no answer yet: it is being sent, or what became of it is not known"
    )
    static let sequenceGap = Self(.conflict, "seq-gap", "Bodies before this one are missing: send it again behind them")
    static let ackWindow = Self(.conflict, "ack-window", "What begins there is not kept, or was never sent")
    static let notFound = Self(.notFound, "not-found", "There is nothing here")
    /// The same for unknown IDs and those of others, so that nobody learns which exist.
    static let noSession = Self(.notFound, "no-session", "There is no such connection: open a new one")
    static let closed = Self(.gone, "closed", "The connection is closed: open a new one")
    static let tooBig = Self(.contentTooLarge, "too-big", "The body is too big")
    /// RFC 9110 §15.5.9: the rest of the body is not waited for.
    static let tooSlow = Self(
        .requestTimeout,
        "timeout",
        "The body comes too slowly",
        fields: [.connection: "close"]
    )
    static let badRequest = Self(.badRequest, "bad-request", "Expected one Host field")
    static let unknownMethod = Self(.notImplemented, "method", "This method is not known here")
    static let badHost = Self(.misdirectedRequest, "bad-host", "This server has another name")
    static let badOrigin = Self(.forbidden, "origin", "Requests from other sites' pages are not accepted")
    static let insecureTransport = Self(.forbidden, "insecure-transport", "Use HTTPS: passwords would be readable here")
    static let connectFailed = Self(.badGateway, "connect-failed", "The server that was asked for cannot be reached")
    static let targetTimeout = Self(.gatewayTimeout, "target-timeout", "The server that was asked for does not answer")
    static let busy = Self(
        .serviceUnavailable,
        "busy",
        "Too much is waiting: try again in a moment",
        fields: [.retryAfter: "1"]
    )
    static let shuttingDown = Self(
        .serviceUnavailable,
        "shutting-down",
        "The server is stopping: try again in a moment",
        fields: [.retryAfter: "5"]
    )

    static func loginRequired(acceptsTokens: Bool) -> Self {
        // RFC 9110 §11.6.1: a list.
        let schemes =
            #"Basic realm="Letterhouse", charset="UTF-8""# + (acceptsTokens ? #", Bearer realm="Letterhouse""# : "")
        return Self(.unauthorized, "login", "Log in first", fields: [.wwwAuthenticate: schemes])
    }

    static func badBatch(_ expected: String) -> Self { Self(.badRequest, "bad-batch", "Expected \(expected)") }

    static func tooMany(retryAfter: Duration) -> Self {
        Self(
            .tooManyRequests,
            "too-many",
            "Too many connections or requests from your address",
            fields: [.retryAfter: String(max(1, retryAfter.components.seconds))]
        )
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Self {
        let methods = allowed.map(\.rawValue).joined(separator: ", ")
        return Self(.methodNotAllowed, "method", "Allowed here: \(methods)", fields: [.allow: methods])
    }
}

extension HTTPField.Name {
    // These are tokens (RFC 9110 §5.6.2), so that none of them is ever nil; without a force unwrap there must be
    // something to fall back on.
    private static func bridge(_ name: String) -> HTTPField.Name { HTTPField.Name("Bridge-" + name) ?? .server }

    static let bridgeError = Self.bridge("Error")
    static let bridgeVersion = Self.bridge("Version")
    static let bridgePollTimeout = Self.bridge("Poll-Timeout")
    static let bridgeUnusedTimeout = Self.bridge("Unused-Timeout")
    static let bridgeMaxSend = Self.bridge("Max-Send")
    static let bridgeFeatures = Self.bridge("Features")
    static let bridgeOffset = Self.bridge("Offset")
    static let bridgeAck = Self.bridge("Ack")
    static let bridgeSeq = Self.bridge("Seq")
    static let bridgeWait = Self.bridge("Wait")
    static let bridgeMax = Self.bridge("Max")
    static let bridgeRaw = Self.bridge("Raw")
    static let bridgeKey = Self.bridge("Key")
    static let bridgeSMTP = Self.bridge("Smtp")
    static let bridgeSMTPLast = Self.bridge("Smtp-Last")
    static let bridgeSMTPDone = Self.bridge("Smtp-Done")
    static let bridgeSMTPError = Self.bridge("Smtp-Error")
    static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .server
    static let idempotentReplay = HTTPField.Name("Idempotent-Replay") ?? .server
    static let host = HTTPField.Name("Host") ?? .server
    static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .server
    static let forwardedProto = HTTPField.Name("X-Forwarded-Proto") ?? .server
    static let forwarded = HTTPField.Name("Forwarded") ?? .server
    static let fetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .server
    static let fetchMode = HTTPField.Name("Sec-Fetch-Mode") ?? .server
    static let fetchDestination = HTTPField.Name("Sec-Fetch-Dest") ?? .server
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .server
    static let pragma = HTTPField.Name("Pragma") ?? .server
}

extension Response {
    /// A response of one short text in ASCII.
    init(status: HTTPResponse.Status, fields: HTTPFields = [:], text: String) {
        var fields = fields
        fields[.contentType] = "text/plain; charset=us-ascii"
        self.init(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A successful response of octets.
    init(octets: [UInt8], type: String) {
        self.init(
            status: .ok,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: octets))
        )
    }

    /// A successful response of nothing.
    static var empty: Response { Response(status: .ok, body: ResponseBody()) }
}
