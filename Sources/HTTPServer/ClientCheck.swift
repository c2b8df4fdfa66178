// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import MailConnection
import SMTPSyntax

/// The outermost layer around every route: safe header fields on every response, and errors made into responses.
///
/// A route that needs other fields than these sets them itself: those that are there stay.
struct ResponseFields: RouterMiddleware {
    let time: TimeSource
    let allowedOrigins: Set<String>

    /// What is said where nobody has said anything else: nothing is kept, embedded, run or guessed at.
    private static let standard: HTTPFields = [
        .cacheControl: "no-store",
        .pragma: "no-cache",
        .xContentTypeOptions: "nosniff",
        .referrerPolicy: "no-referrer",
        .contentSecurityPolicy: "default-src 'none'; sandbox",
        .crossOriginResourcePolicy: "same-origin",
    ]

    func handle(
        _ request: Request,
        context: HTTPContext,
        next: @concurrent (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        var response = try await self.response(request, context, next)
        // Older caches know this one, and nothing that could stand in it but this.
        let isKept = response.headers[.cacheControl] != nil
        for field in Self.standard where response.headers[field.name] == nil && !(isKept && field.name == .pragma) {
            response.headers[field.name] = field.value
        }
        response.headers[.date] = HTTPDate.format(self.time.unixTime())
        CrossOrigin.admit(request, to: &response, allowed: self.allowedOrigins)
        if let length = response.body.contentLength { response.headers[.contentLength] = String(length) }
        // RFC 9110 §9.3.2: the client takes a body for the beginning of the next response.
        if request.method == .head { response = response.createHeadResponse() }
        // RFC 9110 §8.6: there is no body that this could be the length of.
        let isBodyless = response.status == .noContent || response.status == .notModified
        if isBodyless || response.status.kind == .informational { response.headers[.contentLength] = nil }
        return response
    }

    /// The one place where an error becomes a response.
    private func response(
        _ request: Request,
        _ context: HTTPContext,
        _ next: @concurrent (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error where request.head.path?.hasPrefix(StorageService.prefix) == true && !(error is HTTPError) {
            return StorageRefusal(error, for: request).response
        } catch let refusal as HTTPRefusal {
            return refusal.response
        } catch let error as HTTPError where error.status == .notFound {
            return HTTPRefusal.notFound.response
        } catch is CancellationError {
            return HTTPRefusal.shuttingDown.response
        } catch {
            Logger.current.error("Request failed", metadata: ["error": "\(error)"])
            return HTTPRefusal(.internalServerError, "internal", "Internal error").response
        }
    }
}

/// Decides who may ask at all: the right name, no foreign page, a known client.
struct ClientCheck: RouterMiddleware {
    let options: HTTPServerOptions
    private let hosts: Set<String>

    init(options: HTTPServerOptions) {
        self.options = options
        self.hosts = Set(options.hosts.map { $0.lowercased() })
    }

    func handle(
        _ request: Request,
        context: HTTPContext,
        next: @concurrent (Request, HTTPContext) async throws -> Response
    ) async throws -> Response {
        guard Routes.knownMethods.contains(request.method) else { throw HTTPRefusal.unknownMethod }
        // How much may come before a change of protocols must be known: what comes behind the body is kept until then.
        guard request.headers[.upgrade] == nil || request.headers[.transferEncoding] == nil else {
            throw HTTPRefusal.badBody
        }
        let proxies = self.options.trustedProxies
        guard let client = HTTPClient(context.origin, fields: request.headers, trustedProxies: proxies) else {
            throw HTTPRefusal.insecureTransport
        }
        // RFC 9112 §3.2: with two, nobody knows which one others have gone by.
        guard let authority = request.head.authority?.lowercased(), request.headers[.host] == nil else {
            throw HTTPRefusal.badRequest
        }
        guard self.isOurs(authority, for: client) else { throw HTTPRefusal.badHost }
        if !self.isLinkToPage(request) {
            try self.checkOrigin(request.headers, site: "\(client.scheme)://\(authority)")
        }
        var context = context
        context.client = client
        return try await next(request, context)
    }

    /// Whether a browser that shows this name in its address bar was meant to come here.
    private func isOurs(_ authority: String, for client: HTTPClient) -> Bool {
        var host = authority[...]
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return false }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":") {
            host = host[..<colon]
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        if self.hosts.contains(String(host)) { return true }
        // An IP literal is no name that could be made to point here.
        return client.isLocal && (host == "localhost" || (try? IPAddress(parsing: String(host))) != nil)
    }

    /// Whether somebody follows a link, wherever it is, to the page that shows the client: that does nothing yet, and what the
    /// page asks for then comes from here.
    private func isLinkToPage(_ request: Request) -> Bool {
        let fields = request.headers
        return request.method == .get && fields[.origin] == nil && fields[.fetchMode] == "navigate"
            && fields[.fetchDestination] == "document"
            && request.uri.path == self.options.basePath + ClientFile.pageName
    }

    /// Refuses what other sites' pages send, except those that the settings name; programs that are no browsers send
    /// neither field.
    private func checkOrigin(_ fields: HTTPFields, site: String) throws(HTTPRefusal) {
        guard fields[values: .origin].count <= 1 else { throw .badOrigin }
        if let origin = fields[.origin] {
            // What an origin says of itself, the browser has made sure of.
            if self.options.allowedOrigins.contains(origin) { return }
            guard origin.lowercased() == site else { throw .badOrigin }
        }
        if let site = fields[.fetchSite], site != "same-origin", site != "none" { throw .badOrigin }
    }
}
