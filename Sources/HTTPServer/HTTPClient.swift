// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MailConnection
import SMTPSyntax

/// Where a request came from, as far as the socket tells.
struct RequestOrigin: Sendable {
    /// The socket's other end; nil if it has gone before anybody asked.
    var address: IPAddress?
    /// Whether the socket's other end is this machine.
    var isLoopback: Bool
    /// Whether TLS is spoken on the socket.
    var isTLS: Bool
}

/// Who makes a request, after believing those proxies that may be believed.
struct HTTPClient: Sendable {
    let address: IPAddress
    /// Whether nobody on the way can read along: HTTPS, or this machine itself.
    let isSecure: Bool
    /// Whether the client itself, not a proxy, is on this machine.
    let isLocal: Bool
    /// The scheme in the client's address bar.
    let scheme: String

    /// Nil if nobody knows who the client is.
    init?(_ origin: RequestOrigin, fields: HTTPFields, trustedProxies: NetworkList) {
        guard let peer = origin.address?.unmapped else { return nil }
        let isForwarded = [.forwardedFor, .forwardedProto, .forwarded].contains { fields[$0] != nil }
        guard isForwarded else {
            self.address = peer
            self.isSecure = origin.isTLS || origin.isLoopback
            self.isLocal = origin.isLoopback
            self.scheme = origin.isTLS ? "https" : "http"
            return
        }
        self.isLocal = false
        guard trustedProxies.contains(peer) else {
            // A proxy on this machine that nobody told us about: its clients are not this machine, wherever they are.
            self.address = peer
            self.isSecure = origin.isTLS
            self.scheme = origin.isTLS ? "https" : "http"
            return
        }
        // The last field wins, which the nearest proxy wrote; what stands before may be the client's invention.
        let scheme = fields[values: .forwardedProto].last?.split(separator: ",").last.map(Self.trimmed)?.lowercased()
        self.isSecure = scheme == "https"
        self.scheme = self.isSecure ? "https" : "http"
        self.address = Self.client(of: fields[values: .forwardedFor], behind: peer, trustedProxies)
    }

    /// The last address that is not a proxy of ours: everything before it anybody could have written.
    private static func client(of values: [String], behind peer: IPAddress, _ proxies: NetworkList) -> IPAddress {
        var client = peer
        for entry in values.joined(separator: ",").split(separator: ",").reversed() {
            guard proxies.contains(client) else { break }
            var text = self.trimmed(entry)
            if text.hasPrefix("["), let end = text.firstIndex(of: "]") { text = String(text[..<end].dropFirst()) }
            guard let address = try? IPAddress(parsing: text) else { break }
            client = address.unmapped
        }
        return client
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    /// The client as mail sessions know it: secure because the HTTP side is, and never trusted by its address.
    var peer: Peer {
        Peer(
            address: self.address.description,
            transport: .bridge,
            security: self.isSecure ? Peer.Security(version: "HTTP", cipher: "bridge") : nil
        )
    }
}
