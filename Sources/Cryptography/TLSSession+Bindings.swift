// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// What authentication can take from a server's connection: what ties it to this one (RFC 5056), and whom the client's
/// certificate names.
extension TLSSession {
    /// The octets of every channel binding there is, by its registered name.
    func channelBindings() -> [String: [UInt8]] {
        var bindings: [String: [UInt8]] = [:]
        bindings["tls-exporter"] = self.exporterBinding()
        bindings["tls-server-end-point"] = self.endPointBinding()
        return bindings
    }

    /// RFC 9266 §2; only of TLS 1.3, for older versions are not bound to their handshake without further ado.
    private func exporterBinding() -> [UInt8]? {
        guard unsafe SSL_version(self.connection) == TLS1_3_VERSION else { return nil }
        let label = "EXPORTER-Channel-Binding"
        var octets = [UInt8](repeating: 0, count: 32)
        let count = octets.count
        let done = unsafe SSL_export_keying_material(
            self.connection,
            &octets,
            count,
            label,
            label.utf8.count,
            nil,
            0,
            0
        )
        ERR_clear_error()
        return done == 1 ? octets : nil
    }

    /// RFC 5929 §4: the certificate's hash by the algorithm of its signature, or SHA-256 if that is an old one; nil for
    /// signatures without a hash of their own (Ed25519), for which nothing is defined.
    private func endPointBinding() -> [UInt8]? {
        guard let certificate = unsafe SSL_get_certificate(self.connection) else { return nil }
        var hash: Int32 = 0
        defer { ERR_clear_error() }
        guard unsafe X509_get_signature_info(certificate, &hash, nil, nil, nil) == 1, hash != NID_undef else {
            return nil
        }
        if hash == NID_md5 || hash == NID_sha1 { hash = NID_sha256 }
        guard let algorithm = unsafe EVP_get_digestbyname(OBJ_nid2sn(hash)) else { return nil }
        var octets = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe X509_digest(certificate, algorithm, &octets, &count) == 1 else { return nil }
        return Array(octets.prefix(Int(count)))
    }

    /// The mail addresses in the client's certificate (subjectAltName's rfc822Name, RFC 5280 §4.2.1.6), if it showed one
    /// and an authority vouches for it.
    func certifiedAddresses() -> [String] {
        guard let certificate = unsafe SSL_get0_peer_certificate(self.connection),
            unsafe SSL_get_verify_result(self.connection) == Int(X509_V_OK)
        else { return [] }
        var names: [[UInt8]] = []
        unsafe withUnsafeMutablePointer(to: &names) { names in
            unsafe shim_X509_each_rfc822Name(certificate, names) { context, octets, count in
                guard let context = unsafe context, let octets = unsafe octets else { return }
                let name = unsafe [UInt8](UnsafeBufferPointer(start: octets, count: count))
                unsafe context.assumingMemoryBound(to: [[UInt8]].self).pointee.append(name)
            }
        }
        ERR_clear_error()
        // What is no printable text is no address.
        return names.filter { $0.allSatisfy { (0x21...0x7E).contains($0) } }.map { String(decoding: $0, as: UTF8.self) }
    }
}
