// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import Logging
import MailStorage
import SASLMechanisms

/// Why the storage API does not do something, as a problem document (RFC 9457).
///
/// Never says what the client sent.
struct StorageRefusal: Error {
    let status: HTTPResponse.Status
    /// A word for programs.
    let code: String
    /// A line for people.
    let detail: String
    /// Fields that belong to the status: `Allow`, `Retry-After`.
    var fields: HTTPFields = [:]
    /// Members that belong to the code.
    var members: [String: JSONValue] = [:]

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String, fields: HTTPFields = [:]) {
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
    }

    /// The document.
    var json: JSONValue {
        var members = self.members
        members["type"] = "about:blank"
        members["title"] = .string(self.status.reasonPhrase)
        members["status"] = .number(Int64(self.status.code))
        members["code"] = .string(self.code)
        members["detail"] = .string(self.detail)
        return .object(members)
    }

    var response: Response {
        var response = Response(json: self.json, status: self.status, fields: self.fields)
        response.headers[.contentType] = "application/problem+json"
        return response
    }
}

extension StorageRefusal {
    static let badPath = Self(.badRequest, "bad-path", "Expected a path in UTF-8, percent-encoded")
    /// The same for what is not there and what is somebody else's.
    static let notFound = Self(.notFound, "not-found", "There is nothing here")
    static let unauthorized = Self(
        .unauthorized,
        "unauthorized",
        "Expected a token, or an account and its password",
        fields: [.wwwAuthenticate: "Bearer realm=\"mail\", Basic realm=\"mail\", charset=\"UTF-8\""]
    )
    static let tooMany = Self(
        .tooManyRequests,
        "too-many",
        "The account has too many requests at the same time",
        fields: [.retryAfter: "1"]
    )
    static let tooManyGuesses = Self(
        .tooManyRequests,
        "too-many-guesses",
        "Too many wrong tokens or passwords came from your address",
        fields: [.retryAfter: "60"]
    )
    static let changed = Self(.preconditionFailed, "changed", "It is not what If-Match or If-None-Match wants")
    static let tooOld = Self(.gone, "too-old", "That is too long ago: read the list again")
    static let keyReused = Self(
        .unprocessableContent,
        "key-reused",
        "The Idempotency-Key was another request's"
    )
    static let keyInUse = Self(.conflict, "key-in-use", "The request has begun before and has not ended")

    static func scope(_ scope: AccessScope) -> Self {
        Self(.forbidden, "scope", "The token has not the scope \(scope.rawValue)")
    }

    static func badQuery(_ expected: String) -> Self { Self(.badRequest, "bad-query", "Expected: \(expected)") }

    static func badBody(_ expected: String) -> Self { Self(.badRequest, "bad-body", "Expected \(expected)") }

    static func badField(_ name: String, _ expected: String) -> Self {
        Self(.badRequest, "bad-field", "Expected in \(name) \(expected)")
    }

    static func mediaType(_ expected: String) -> Self {
        Self(.unsupportedMediaType, "media-type", "Expected Content-Type \(expected)")
    }

    static func notPermitted(_ text: String) -> Self { Self(.unprocessableContent, "not-permitted", text) }

    /// What is refused before anybody has looked for the API.
    init(_ error: any Error, for request: Request) {
        if let refusal = error as? HTTPRefusal, refusal == .unknownMethod {
            self = StorageService.refusal(of: request.method, at: request.head.path)
        } else {
            self.init(error)
        }
    }

    init(_ refusal: HTTPRefusal) {
        self.init(refusal.status, refusal.token, refusal.text, fields: refusal.fields)
    }

    /// The one place where an error of a handler becomes a problem.
    init(_ error: any Error) {
        switch error {
        case let refusal as StorageRefusal: self = refusal
        case let refusal as HTTPRefusal: self.init(refusal)
        case let error as StoreError: self.init(error)
        case SASLFailure.tooManyGuesses: self = .tooManyGuesses
        case SASLFailure.unavailable, is PasswordWork.Busy: self.init(.busy)
        case is CancellationError: self.init(.shuttingDown)
        default:
            Logger.current.error("Request failed", metadata: ["error": "\(error)"])
            self.init(.internalServerError, "internal", "Internal error")
        }
    }

    private init(_ error: StoreError) {
        switch error {
        case .noSuchMailbox, .notFound, .expunged: self = .notFound
        case .noPermission: self.init(.forbidden, "no-permission", "The account has not the right to do that")
        case .mailboxExists, .exists: self.init(.conflict, "exists", "There is one of that name")
        case .notPermitted(let text): self = .notPermitted(text)
        case .tooManyKeywords:
            self.init(.unprocessableContent, "too-many-keywords", "The mailbox has as many keywords as it can hold")
        case .tooManyAnnotations:
            self.init(.unprocessableContent, "too-many-annotations", "There are as many annotations as can be held")
        case .tooManyMailboxes:
            self.init(.unprocessableContent, "too-many-mailboxes", "The account has as many mailboxes as it can have")
        case .uidsExhausted: self.init(.conflict, "uids-exhausted", "The mailbox has no more UIDs")
        case .overQuota: self.init(.insufficientStorage, "over-quota", "The account has no room for it")
        case .full: self.init(.insufficientStorage, "full", "The store is full", fields: [.retryAfter: "60"])
        case .unavailable, .inUse: self.init(.busy)
        case .newerSchema, .corrupt:
            Logger.current.error("Store is damaged", metadata: ["error": "\(error)"])
            self.init(.internalServerError, "internal", "Internal error")
        }
    }
}

extension HTTPResponse.Status {
    static let insufficientStorage = Self(code: 507, reasonPhrase: "Insufficient Storage")
}
