// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import JSONSyntax
import Testing

@testable import HTTPServer

@Suite("Storage API: its description") struct StorageDescriptionTests {
    @Test("Whoever asks gets it, without a token; it has every route, and no other") func document() async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.get, "/store/v1/openapi.json")
            #expect(answer.status == .ok)
            let json = try answer.json
            #expect(json["openapi"] == "3.1.0")
            guard case .object(let paths)? = json["paths"] else {
                Issue.record("expected paths")
                return
            }
            var described: Set<String> = []
            for (path, operations) in paths {
                guard case .object(let methods) = operations else { continue }
                described.formUnion(methods.keys.map { "\($0.uppercased()) \(path)" })
            }
            #expect(described == Set(StorageRoutes.all.map { "\($0.method.rawValue) /store/\($0.path)" }))
        }
    }

    @Test("No two routes are the same, and each is found by its path") func matching() throws {
        for route in StorageRoutes.all {
            let path = "/store/" + route.path.replacing("{", with: "").replacing("}", with: "")
            let target = try #require(RequestTarget(path))
            let found = StorageRoutes.all.filter { $0.serves(route.method) && $0.match(target.segments) != nil }
            #expect(found.count == 1 || route.path == "v1/openapi.json" || route.path == "v1/auth", "\(path)")
            #expect(try StorageService.route(route.method, target).0.path == route.path)
        }
    }
}
