// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes

/// The opening handshake of WebSocket (RFC 6455 §4.2), the server's side.
enum WebSocketHandshake {
    /// RFC 6455 §1.3.
    private static let identifier = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// Whether a request asks for a WebSocket; what else it may want to change to does not interest us.
    static func isAsked(_ fields: HTTPFields) -> Bool {
        self.list(.upgrade, in: fields).contains("websocket") && self.list(.connection, in: fields).contains("upgrade")
    }

    /// The fields of the response that agrees, with the one subprotocol that there is.
    ///
    /// - Throws: ``HTTPRefusal/badUpgrade``, and ``HTTPRefusal/badOrigin`` if nobody says whose page it is: browsers always
    ///   do, and what they say has been looked at before.
    static func response(to fields: HTTPFields, subprotocol: String) throws(HTTPRefusal) -> HTTPFields {
        guard fields[values: .secWebSocketVersion] == ["13"] else { throw .badUpgrade }
        let keys = fields[values: .secWebSocketKey]
        guard keys.count == 1, let key = keys.first, Base64.decode(Array(key.utf8))?.count == 16 else {
            throw .badUpgrade
        }
        // Names of protocols are compared as they are.
        guard self.list(.secWebSocketProtocol, in: fields, lowercasing: false).contains(subprotocol) else {
            throw .badUpgrade
        }
        guard fields[.origin] != nil else { throw .badOrigin }
        guard let digest = SHA1.hash(Array((key + self.identifier).utf8)) else { throw .badUpgrade }
        return [
            .upgrade: "websocket", .connection: "Upgrade",
            .secWebSocketAccept: String(decoding: Base64.encode(digest), as: UTF8.self),
            .secWebSocketProtocol: subprotocol,
        ]
    }

    /// The elements of a field that is a list (RFC 9110 §5.6.1).
    private static func list(
        _ name: HTTPField.Name,
        in fields: HTTPFields,
        lowercasing: Bool = true
    ) -> [String] {
        fields[values: name].flatMap { value in
            value.split { $0 == "," || $0 == " " || $0 == "\t" }.map { lowercasing ? $0.lowercased() : String($0) }
        }
    }
}
