// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes
import Hummingbird

/// One of the files of the client in JavaScript, and of the page that shows it; they are part of the program.
struct ClientFile: Sendable {
    /// Its name below the bridge's prefix, where these files find each other, and the bridge.
    let name: String
    private let octets: [UInt8]
    private let fields: HTTPFields

    /// What the page is called that shows the client.
    static let pageName = "mail"

    static let all = [
        Self("letterhouse.js", "text/javascript; charset=utf-8", PackageResources.letterhouse_js),
        Self(Self.pageName, "text/html; charset=utf-8", PackageResources.mail_html, policy: Self.pagePolicy),
        Self("mail.js", "text/javascript; charset=utf-8", PackageResources.mail_js),
        Self("mail.css", "text/css; charset=utf-8", PackageResources.mail_css),
    ]

    /// The page runs and shows what comes from here, and asks this server, and nobody else.
    private static let pagePolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    private init(_ name: String, _ type: String, _ octets: [UInt8], policy: String? = nil) {
        self.name = name
        self.octets = octets
        var fields: HTTPFields = [
            .contentType: type,
            // To be asked for each time, and sent only if another program has come.
            .cacheControl: "no-cache",
            .eTag: "\"\(Hexadecimal.encode(Array(SHA256.hash(octets).prefix(16))))\"",
        ]
        fields[.contentSecurityPolicy] = policy
        self.fields = fields
    }

    /// `GET`: the file, or that the client has it.
    func get(_ request: Request, _ context: HTTPContext) async throws -> Response {
        _ = try context.secureClient()
        guard !self.isKnown(to: request.headers) else { return Response(status: .notModified, headers: self.fields) }
        return Response(
            status: .ok,
            headers: self.fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: self.octets))
        )
    }

    /// Whether the client has just this one (RFC 9110 §13.1.2).
    private func isKnown(to fields: HTTPFields) -> Bool {
        guard let tag = self.fields[.eTag], let known = fields[.ifNoneMatch] else { return false }
        return known.split(separator: ",").contains { entry in
            let entry = entry.trimmingPrefix(while: \.isWhitespace)
            return entry == "*" || entry.trimmingPrefix("W/").prefix(while: { !$0.isWhitespace }) == tag
        }
    }
}
