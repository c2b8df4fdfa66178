// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailStorage

/// The API as OpenAPI 3.1 describes it, made of ``StorageRoutes``.
enum DescriptionResource {
    static let route = StorageRoute(
        method: .get,
        path: "v1/openapi.json",
        scope: nil,
        summary: "This description",
        answers: [.init(200, "The description", .json(["type": "object"]))],
        handler: { _ in Response(json: Self.document) }
    )

    static let document: JSONValue = [
        "openapi": "3.1.0",
        "info": ["title": "Letterhouse storage API", "version": "1"],
        "paths": .object(Self.paths),
        "security": [["bearer": []], ["basic": []]],
        "components": [
            "securitySchemes": [
                "bearer": ["type": "http", "scheme": "bearer"], "basic": ["type": "http", "scheme": "basic"],
            ],
            "schemas": ["Problem": Schemas.problem],
            "responses": [
                "Problem": [
                    "description": "Why it was not done",
                    "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
                ]
            ],
        ],
    ]

    private static var paths: [String: JSONValue] {
        var paths: [String: [String: JSONValue]] = [:]
        for route in StorageRoutes.all {
            let path = StorageService.prefix + route.path
            paths[path, default: [:]][route.method.rawValue.lowercased()] = Self.operation(route)
        }
        return paths.mapValues(JSONValue.object)
    }

    private static func operation(_ route: StorageRoute) -> JSONValue {
        var parameters = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part -> JSONValue in
            let name = String(part.dropFirst().dropLast())
            return [
                "name": .string(name), "in": "path", "required": true, "schema": ["type": "string", "minLength": 1],
            ]
        }
        parameters += route.parameters.map { parameter in
            [
                "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
                "description": .string(parameter.text), "required": .bool(parameter.isRequired),
                "schema": parameter.schema,
            ]
        }
        var responses: [String: JSONValue] = ["default": ["$ref": "#/components/responses/Problem"]]
        for answer in route.answers {
            var response: [String: JSONValue] = ["description": .string(answer.text)]
            if !answer.contents.isEmpty { response["content"] = Self.contents(answer.contents) }
            responses["\(answer.status)"] = .object(response)
        }
        var operation: [String: JSONValue] = [
            "summary": .string(route.summary), "parameters": .array(parameters), "responses": .object(responses),
        ]
        if let scope = route.scope {
            operation["description"] = .string("Needs the scope \(scope.rawValue).")
        } else {
            operation["security"] = []
        }
        if let body = route.body { operation["requestBody"] = ["required": true, "content": Self.contents([body])] }
        return .object(operation)
    }

    private static func contents(_ contents: [StorageRoute.Content]) -> JSONValue {
        .object(Dictionary(contents.map { ($0.type, ["schema": $0.schema]) }) { first, _ in first })
    }
}
