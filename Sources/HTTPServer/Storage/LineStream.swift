// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import NIOCore

/// Lines of JSON on their way to a client, who takes them at his own speed.
struct LineStream {
    private var writer: any ResponseBodyWriter
    private var buffer: [UInt8] = []

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    /// Puts a line behind those that wait for ``flush()``.
    mutating func add(_ line: JSONValue) {
        line.write(to: &self.buffer)
        self.buffer.append(0x0A)
    }

    /// The same for whoever writes the line himself.
    mutating func add(_ write: (inout [UInt8]) -> Void) {
        write(&self.buffer)
        self.buffer.append(0x0A)
    }

    /// Hands over what waits; suspends until the client has room for it.
    @concurrent mutating func flush() async throws {
        guard !self.buffer.isEmpty else { return }
        let octets = self.buffer
        self.buffer.removeAll(keepingCapacity: true)
        try await self.writer.write(ByteBuffer(bytes: octets))
    }

    /// Says that this was all.
    @concurrent consuming func end() async throws {
        try await self.flush()
        try await self.writer.finish(nil)
    }
}

extension Response {
    /// An answer of lines, which `body` writes; if it throws, the client sees that they are cut off.
    static func lines(
        fields: HTTPFields = [:],
        _ body: @escaping @Sendable @concurrent (inout LineStream) async throws -> Void
    ) -> Response {
        var fields = fields
        fields[.contentType] = "application/x-ndjson"
        return Response(
            status: .ok,
            headers: fields,
            body: ResponseBody { writer in
                var stream = LineStream(writer)
                try await body(&stream)
                try await stream.end()
            }
        )
    }
}
