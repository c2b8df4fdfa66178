// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// Something that can be asked for: where, by whom, with what, and what comes back.
///
/// The description of the API (``Description``) says the same, for it is made of these.
struct StorageRoute: Sendable {
    typealias Handler = @Sendable (StorageCall) async throws -> Response

    /// A parameter in the query or the header.
    struct Parameter: Sendable {
        enum Place: String, Sendable { case query, header }
        let place: Place
        let name: String
        let text: String
        let schema: JSONValue
        var isRequired = false

        static func query(_ name: String, _ text: String, _ schema: JSONValue) -> Self {
            Self(place: .query, name: name, text: text, schema: schema)
        }

        static func field(_ name: String, _ text: String, _ schema: JSONValue = ["type": "string"]) -> Self {
            Self(place: .header, name: name, text: text, schema: schema)
        }
    }

    /// What a body, or an answer, is: a media type, and of JSON also its schema.
    struct Content: Sendable {
        let type: String
        let schema: JSONValue

        static func json(_ schema: JSONValue) -> Self { Self(type: "application/json", schema: schema) }
        /// Lines of JSON.
        static let lines = Self(type: "application/x-ndjson", schema: ["type": "string"])
        static let message = Self(type: "message/rfc822", schema: ["type": "string", "format": "binary"])
        static let octets = Self(type: "application/octet-stream", schema: ["type": "string", "format": "binary"])
    }

    /// An answer that is no error.
    struct Answer: Sendable {
        let status: Int
        let text: String
        var contents: [Content] = []

        init(_ status: Int, _ text: String, _ contents: Content...) {
            self.status = status
            self.text = text
            self.contents = contents
        }
    }

    let method: HTTPRequest.Method
    /// Below ``StorageService/prefix``; names in braces stand for one segment each.
    let path: String
    /// What a token needs; nil: anybody may ask.
    let scope: AccessScope?
    /// What it does, in one line.
    let summary: String
    var parameters: [Parameter] = []
    var body: Content?
    var answers: [Answer]
    /// Whether it can be one of several requests in one (``BatchResource``).
    var isSmall = false
    let handler: Handler

    /// What stands in the path for each name; nil if this is another path.
    func match(_ segments: [String]) -> [String: String]? {
        let pattern = (StorageService.prefix + self.path).split(separator: "/")
        guard pattern.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (part, segment) in zip(pattern, segments) {
            if part.hasPrefix("{") {
                guard !segment.isEmpty else { return nil }
                values[String(part.dropFirst().dropLast())] = segment
            } else if part != segment {
                return nil
            }
        }
        return values
    }

    func serves(_ method: HTTPRequest.Method) -> Bool {
        self.method == method || (self.method == .get && method == .head)
    }
}

/// The one list of what the API has.
enum StorageRoutes {
    static let all: [StorageRoute] =
        [DescriptionResource.route, LoginResource.route]
        + AccountResource.routes + MailboxesResource.routes + MessagesResource.routes + MessageResource.routes
        + EventsResource.routes + SelectionResource.routes + SearchResource.routes + StoredValuesResource.routes
        + DeliveryResource.routes + [BatchResource.route]
}
