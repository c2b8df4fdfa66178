// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// What pages of other sites may do that the settings name (the CORS protocol of the Fetch standard).
///
/// No credentials are ever shared: there are no cookies, and a page that has to log in to HTTP says so itself.
enum CrossOrigin {
    /// Fields that such a page may send, besides those that any page may.
    static let requestFields: [HTTPField.Name] = [
        .contentType, .authorization, .idempotencyKey, .bridgeAck, .bridgeKey, .bridgeMax, .bridgeRaw, .bridgeSeq,
        .bridgeSMTP, .bridgeWait, .ifMatch, .ifNoneMatch, .range, .lastEventID, .storeDate, .storeFlags,
        .storeRecipient, .storeSender,
    ]
    /// Fields of responses that it may read, besides those that any page may.
    static let responseFields: [HTTPField.Name] = [
        .bridgeError, .bridgeFeatures, .bridgeKey, .bridgeMaxSend, .bridgeOffset, .bridgePollTimeout, .bridgeSMTPDone,
        .bridgeSMTPError, .bridgeSMTPLast, .bridgeUnusedTimeout, .bridgeVersion, .idempotentReplay,
        .retryAfter, .eTag, .location, .contentRange,
    ]

    /// Adds what the browser wants to know before it lets the page have the response.
    static func admit(_ request: Request, to response: inout Response, allowed: Set<String>) {
        guard !allowed.isEmpty else { return }
        response.headers[values: .vary].append("Origin")
        guard let origin = request.headers[.origin], allowed.contains(origin) else { return }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] = Self.list(Self.responseFields)
    }

    /// What a page may do, for whoever asks before it does it: the methods, and the fields.
    static func preflight(methods: [HTTPRequest.Method]) -> HTTPFields {
        [
            .accessControlAllowMethods: methods.map(\.rawValue).joined(separator: ", "),
            .accessControlAllowHeaders: Self.list(Self.requestFields),
            .accessControlMaxAge: "600",
        ]
    }

    private static func list(_ names: [HTTPField.Name]) -> String {
        names.map(\.rawName).joined(separator: ", ")
    }
}
