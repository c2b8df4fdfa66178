// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// The one list of routes.
struct Routes: Sendable {
    typealias Handler = @Sendable (Request, HTTPContext) async throws -> Response

    /// A path, what may be done there, and by what.
    struct Route: Sendable {
        let path: String
        let methods: [HTTPRequest.Method]
        let handler: Handler
    }

    /// The methods of RFC 9110 §9.3 and RFC 5789, for an answer better than "not found".
    static let knownMethods: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options, .patch]

    let all: [Route]

    init(bridge: BridgeService, storage: StorageService?, metrics: @escaping @Sendable () -> String) {
        let prefix = bridge.options.prefix.hasSuffix("/") ? bridge.options.prefix : bridge.options.prefix + "/"
        let (imap, smtp) = (IMAPBridge(service: bridge), SMTPBridge(service: bridge))
        let monitoring = Monitoring(service: bridge, metrics: metrics)
        let store = storage.map { storage in
            Route(path: StorageService.prefix + "**", methods: Self.knownMethods) { request, context in
                await storage.respond(request, context)
            }
        }
        self.all =
            [
                Route(path: prefix + "imap", methods: [.get, .post], handler: imap.open),
                Route(path: prefix + "imap/{id}", methods: [.get, .post], handler: imap.exchange),
                Route(path: prefix + "imap/{id}/{charset}", methods: [.get, .post], handler: imap.exchange),
                Route(path: prefix + "smtp", methods: [.post], handler: smtp.send),
                Route(path: prefix + "smtp/{charset}", methods: [.post], handler: smtp.send),
                Route(path: "/health", methods: [.get, .head], handler: monitoring.health),
                Route(path: "/metrics", methods: [.get, .head], handler: monitoring.metrics),
            ] + (store.map { [$0] } ?? [])
    }

    /// Everything from a request to its response.
    static func responder(
        bridge: BridgeService,
        storage: StorageService? = nil,
        metrics: @escaping @Sendable () -> String
    ) -> some HTTPResponder<HTTPContext> {
        let router = Router(context: HTTPContext.self)
        router.add(middleware: ResponseFields(time: bridge.time))
        router.add(middleware: ClientCheck(options: bridge.options))
        for route in Routes(bridge: bridge, storage: storage, metrics: metrics).all {
            for method in self.knownMethods {
                router.on(RouterPath(route.path), method: method) { request, context in
                    guard route.methods.contains(method) else { throw HTTPRefusal.methodNotAllowed(route.methods) }
                    let response = try await route.handler(request, context)
                    return response
                }
            }
        }
        return router.buildResponder()
    }
}
