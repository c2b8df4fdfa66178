// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// The one list of routes.
struct Routes: Sendable {
    typealias Handler = @Sendable (Request, HTTPContext) async throws -> Response

    /// A path, what may be done there, and by what.
    struct Route: Sendable {
        let path: String
        /// What may be done, in the order in which it is told.
        let handlers: [(method: HTTPRequest.Method, handler: Handler)]
        /// What is told to whoever asks what may be done.
        var announcements: HTTPFields = [:]

        init(path: String, _ handlers: [(HTTPRequest.Method, Handler)], announcements: HTTPFields = [:]) {
            self.path = path
            self.handlers = handlers.map { (method: $0.0, handler: $0.1) }
            self.announcements = announcements
        }

        var methods: [HTTPRequest.Method] { self.handlers.map(\.method) + [.options] }

        /// Does a request, of whatever method.
        func respond(_ request: Request, _ context: HTTPContext) async throws -> Response {
            if let found = self.handlers.first(where: { $0.method == request.method }) {
                return try await found.handler(request, context)
            }
            guard request.method == .options else { throw HTTPRefusal.methodNotAllowed(self.methods) }
            var fields = self.announcements
            fields[.allow] = self.methods.map(\.rawValue).joined(separator: ", ")
            if request.headers[.origin] != nil {
                fields.append(contentsOf: CrossOrigin.preflight(methods: self.methods))
            }
            return Response(status: .noContent, headers: fields)
        }
    }

    /// The methods of RFC 9110 §9.3 and RFC 5789, for an answer better than "not found".
    static let knownMethods: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options, .patch]

    let all: [Route]

    init(bridge: BridgeService, storage: StorageService?, metrics: @escaping @Sendable () -> String) {
        let prefix = bridge.options.basePath
        let (imap, smtp) = (IMAPBridge(service: bridge), SMTPBridge(service: bridge))
        let monitoring = Monitoring(service: bridge, metrics: metrics)
        let store = storage.map { storage in
            Route(
                path: StorageService.prefix + "**",
                Self.knownMethods.filter { $0 != .options }.map { method in
                    (method, { request, context in await storage.respond(request, context) })
                }
            )
        }
        let announcements = bridge.options.announcements
        let exchange: [(HTTPRequest.Method, Handler)] = [
            (.get, imap.exchange), (.post, imap.exchange), (.delete, imap.close),
        ]
        let open: [(HTTPRequest.Method, Handler)] = [(.get, imap.open), (.post, imap.open)]
        let routes = [
            Route(path: prefix + "imap", open, announcements: announcements),
            Route(path: prefix + "imap/{id}", exchange, announcements: announcements),
            Route(path: prefix + "imap/{id}/{charset}", exchange, announcements: announcements),
            Route(path: prefix + "smtp", [(.get, smtp.openSocket), (.post, smtp.send)], announcements: announcements),
            Route(path: prefix + "smtp/{charset}", [(.post, smtp.send)], announcements: announcements),
            Route(path: prefix + "to/{name}/imap", open, announcements: announcements),
            Route(path: prefix + "to/{name}/imap/{id}", exchange, announcements: announcements),
            Route(path: prefix + "to/{name}/imap/{id}/{charset}", exchange, announcements: announcements),
            Route(path: prefix + "to/{name}/smtp", [(.post, smtp.send)], announcements: announcements),
            Route(path: prefix + "to/{name}/smtp/{charset}", [(.post, smtp.send)], announcements: announcements),
            Route(path: "/health", [(.get, monitoring.health), (.head, monitoring.health)]),
            Route(path: "/metrics", [(.get, monitoring.metrics), (.head, monitoring.metrics)]),
        ]
        let files = ClientFile.all.map { Route(path: prefix + $0.name, [(.get, $0.get), (.head, $0.get)]) }
        self.all = routes + files + (store.map { [$0] } ?? [])
    }

    /// Everything from a request to its response.
    static func responder(
        bridge: BridgeService,
        storage: StorageService? = nil,
        metrics: @escaping @Sendable () -> String
    ) -> some HTTPResponder<HTTPContext> {
        let router = Router(context: HTTPContext.self)
        let options = bridge.options
        router.add(middleware: ResponseFields(time: bridge.time, allowedOrigins: options.allowedOrigins))
        router.add(middleware: ClientCheck(options: options))
        for route in Routes(bridge: bridge, storage: storage, metrics: metrics).all {
            for method in self.knownMethods {
                router.on(RouterPath(route.path), method: method) { request, context in
                    let response = try await route.respond(request, context)
                    return response
                }
            }
        }
        return router.buildResponder()
    }
}
