// SPDX-License-Identifier: Apache-2.0

/// The other end of a connection, as sessions need it for policy, logs and trace headers.
package struct Peer: Sendable, Hashable {
    /// How the connection reached us.
    package enum Transport: Sendable, Hashable {
        case socket
        /// Wrapped in HTTP: no STARTTLS here, the HTTP side decides about ``Peer/isSecure``.
        case bridge
    }

    /// What TLS agreed on, in the words of the TLS library; for `Received` fields and logs.
    package struct Security: Sendable, Hashable {
        /// For example `TLSv1.3`.
        package var version: String
        /// For example `TLS_AES_256_GCM_SHA384`.
        package var cipher: String
        /// The name the client asked for (SNI), in lower case.
        package var serverName: String?
        /// What authentication can be bound to, by registered name (RFC 5056); empty if that is not offered.
        package var channelBindings: [String: [UInt8]] = [:]
        /// The mail addresses for which the client's certificate is good; empty if it showed none.
        package var certifiedAddresses: [String] = []

        package init(version: String, cipher: String, serverName: String? = nil) {
            self.version = version
            self.cipher = cipher
            self.serverName = serverName
        }
    }

    /// The numeric IP address, without brackets or port: `192.0.2.1` or `2001:db8::1`.
    package var address: String
    package var port: Int
    package var transport: Transport
    /// Nil while the octets travel in clear text.
    package var security: Security?
    /// True if the address is this machine's own loopback and nobody in between speaks for another.
    package var isLoopback: Bool

    package init(
        address: String,
        port: Int = 0,
        transport: Transport = .socket,
        security: Security? = nil,
        isLoopback: Bool = false
    ) {
        self.address = address
        self.port = port
        self.transport = transport
        self.security = security
        self.isLoopback = isLoopback
    }

    /// True if nobody on the way can read along.
    package var isSecure: Bool { self.security != nil }
}
