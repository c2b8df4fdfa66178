// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A connection to a server of HTTP/1.1, which bears one exchange after another.
///
/// An exchange is: ``send(_:)`` as often as the request needs, ``head(isBodyless:)``, and ``part()`` until that is nil.
package struct HTTPConversation {
    /// For status line, fields and trailers of a response.
    private static let headLimit = 64 << 10

    private var connection: OpenConnection
    private var input: ArraySlice<UInt8> = []
    private var reader: HTTPResponseReader?

    package init(_ connection: OpenConnection) { self.connection = connection }

    /// Closes the connection at once; callable from any thread, and more than once.
    package var hangUp: @Sendable () -> Void { self.connection.hangUp }

    /// Whether another exchange may begin: none has, or the last one has ended and let the connection be.
    ///
    /// The server may have hung up nevertheless: then that exchange throws ``PeerGone`` before its head.
    package var isReusable: Bool { self.reader?.isReusable ?? true && self.input.isEmpty }

    /// Writes a part of a request; returns when the kernel has taken it.
    package func send(_ octets: [UInt8]) async throws { try await self.connection.write(octets) }

    /// Reads what stands before the body of the response to a request, which may still be sent.
    ///
    /// - Parameter isBodyless: whether the request was a HEAD.
    /// - Returns: status and fields.
    /// - Throws: ``PeerGone`` if nothing comes any more; ``MalformedHTTP``.
    package mutating func head(isBodyless: Bool = false) async throws -> HTTPResponseHead {
        var reader = HTTPResponseReader(headLimit: Self.headLimit, isBodyless: isBodyless)
        while true {
            // Before the head nothing else comes.
            if case .head(let head)? = try reader.next(in: &self.input) {
                self.reader = reader
                return head
            }
            guard let octets = try await self.connection.read() else { throw PeerGone() }
            self.input = octets[...]
        }
    }

    /// The next part of the response's body, as it comes; nil behind the last.
    ///
    /// Throws ``MalformedHTTP``, also if the server hangs up too soon.
    package mutating func part() async throws -> ArraySlice<UInt8>? {
        while true {
            switch try self.reader?.next(in: &self.input) {
            case .octets(let octets)?: return octets
            case .end?: return nil
            case .head?: continue
            case nil:
                guard let octets = try await self.connection.read() else {
                    try self.reader?.close()
                    return nil
                }
                self.input = octets[...]
            }
        }
    }
}
