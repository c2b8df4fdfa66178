// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// The name of a TLS server as a client means it: a DNS name or an IP address.
struct TLSPeerName {
    /// The name in lower case, without the dot that may end a fully qualified one: certificates have none.
    let text: String

    /// Takes a name as it was configured or resolved.
    init(_ name: String) {
        let lower = name.lowercased()
        self.text = lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    /// Whether it is an IP address: it has a colon, or its last label is a number.
    var isAddress: Bool {
        if self.text.utf8.contains(UInt8(ascii: ":")) { return true }
        let last = self.text.utf8.reversed().prefix { $0 != UInt8(ascii: ".") }
        return !last.isEmpty && last.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The name if it consists of what DNS names consist of; nil for anything one would not want in a log.
    var dnsName: String? {
        let allowed = self.text.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
        return allowed && !self.text.isEmpty && self.text.utf8.count <= 255 ? self.text : nil
    }

    /// Makes a connection demand that the server's certificate bears this name (RFC 9525).
    func demand(of connection: OpaquePointer) throws(OpenSSLError) {
        let done =
            unsafe self.isAddress
            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), self.text)
            : SSL_set1_host(connection, self.text)
        // An empty name would demand none at all.
        guard done == 1, !self.text.isEmpty else {
            throw OpenSSLError(takingReasonsFor: "demand a name of the server's certificate")
        }
        unsafe SSL_set_hostflags(connection, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    }
}
