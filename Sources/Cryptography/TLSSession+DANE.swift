// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Authentication by TLSA records (RFC 7672), which OpenSSL does.
extension TLSSession {
    /// Demands that the server is this one; call it before the handshake.
    ///
    /// - Throws: ``OpenSSLError`` if a name is none, or none of the records can be used after all: then nobody would be
    ///   authenticated.
    func demand(_ peer: DANEPeer) throws(OpenSSLError) {
        guard unsafe SSL_dane_enable(self.connection, peer.baseDomain) == 1 else {
            throw OpenSSLError(takingReasonsFor: "authenticate by TLSA records")
        }
        // §3.1.1: for the certificate itself neither names nor dates count.
        unsafe SSL_dane_set_flags(self.connection, UInt(DANE_FLAG_NO_DANE_EE_NAMECHECKS))
        unsafe SSL_set_hostflags(self.connection, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        for name in peer.otherNames {
            guard unsafe SSL_add1_host(self.connection, name) == 1 else {
                throw OpenSSLError(takingReasonsFor: "allow another name in the server's certificate")
            }
        }
        var usable = 0
        for record in peer.records {
            let added = unsafe SSL_dane_tlsa_add(
                self.connection,
                record.usage,
                record.selector,
                record.matchingType,
                record.association,
                record.association.count
            )
            if added > 0 { usable += 1 }
        }
        guard usable > 0 else { throw OpenSSLError(takingReasonsFor: "use any TLSA record") }
        ERR_clear_error()
    }
}
