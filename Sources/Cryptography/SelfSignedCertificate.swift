// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// Makes certificates that vouch for themselves: for a server's first hours, and for tests.
package enum SelfSignedCertificate {
    /// Makes a P-256 key and a certificate for it, both as PEM.
    ///
    /// - Parameters:
    ///   - names: at least one: DNS names (`*.` in front allowed) and IP addresses (`127.0.0.1`, `::1`). The first is
    ///     the subject's common name too, if it fits there (64 octets).
    ///   - notBefore: the first second of its validity, in Unix time.
    ///   - days: how long it is valid; 1 to 36,500.
    /// - Returns: the certificate and the key, which is not encrypted.
    /// - Throws: ``OpenSSLError``, also for a name that is neither a DNS name nor an address.
    package static func make(
        names: [String],
        notBefore: Int64,
        days: Int
    ) throws(OpenSSLError) -> (certificatePEM: [UInt8], keyPEM: [UInt8]) {
        ERR_clear_error()
        guard let key = unsafe shim_EVP_EC_gen_P256() else { throw OpenSSLError(takingReasonsFor: "make a key") }
        defer { unsafe EVP_PKEY_free(key) }
        guard let certificate = unsafe X509_new() else {
            throw OpenSSLError(takingReasonsFor: "make a certificate")
        }
        defer { unsafe X509_free(certificate) }
        let alternatives = try Self.alternativeNames(names)
        unsafe try Self.number(certificate, with: Random.octets(16))
        guard
            // Counted from zero: this is version 3.
            unsafe X509_set_version(certificate, 2) == 1,
            unsafe Self.setValidity(of: certificate, notBefore: notBefore, days: days),
            unsafe X509_set_pubkey(certificate, key) == 1,
            unsafe Self.setSubject(of: certificate, to: names[0]),
            unsafe shim_X509_add_self_issued_extension(certificate, NID_subject_alt_name, alternatives) == 1,
            unsafe shim_X509_add_self_issued_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") == 1,
            unsafe shim_X509_add_self_issued_extension(certificate, NID_key_usage, "critical,digitalSignature") == 1,
            unsafe shim_X509_add_self_issued_extension(certificate, NID_ext_key_usage, "serverAuth") == 1,
            unsafe shim_X509_add_self_issued_extension(certificate, NID_subject_key_identifier, "hash") == 1,
            unsafe X509_sign(certificate, key, EVP_sha256()) != 0
        else {
            throw OpenSSLError(takingReasonsFor: "make a certificate")
        }
        let certificatePEM = try unsafe MemoryBIO.text { unsafe PEM_write_bio_X509($0, certificate) }
        let keyPEM = try unsafe MemoryBIO.text { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
        return (certificatePEM, keyPEM)
    }

    /// The value of a subjectAltName extension as OpenSSL's configuration writes it: `DNS:mail.example,IP:::1`.
    ///
    /// The names are checked here, for in that language a comma would begin another name.
    private static func alternativeNames(_ names: [String]) throws(OpenSSLError) -> String {
        var values: [String] = []
        for name in names {
            let peer = TLSPeerName(name)
            if peer.isAddress {
                guard peer.text.utf8.allSatisfy(Self.isAddressCharacter) else { throw Self.unfit }
                values.append("IP:" + peer.text)
            } else {
                let host = peer.text.hasPrefix("*.") ? String(peer.text.dropFirst(2)) : peer.text
                guard TLSPeerName(host).dnsName != nil else { throw Self.unfit }
                values.append("DNS:" + peer.text)
            }
        }
        guard !values.isEmpty else { throw Self.unfit }
        return values.joined(separator: ",")
    }

    private static let unfit = OpenSSLError(
        operation: "make a certificate",
        reasons: ["its names must be DNS names or IP addresses, at least one"]
    )

    private static func isAddressCharacter(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        case UInt8(ascii: ":"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// Sets the serial number: positive and at most 20 octets (RFC 5280 §4.1.2.2).
    private static func number(_ certificate: OpaquePointer, with octets: [UInt8]) throws(OpenSSLError) {
        // The uppermost octet, between 64 and 127, keeps the number positive and its length constant.
        let serial = [octets[0] & 0x3F | 0x40] + octets.dropFirst()
        let number = unsafe BN_bin2bn(serial, Int32(serial.count), nil)
        defer { unsafe BN_free(number) }
        guard unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil else {
            throw OpenSSLError(takingReasonsFor: "number a certificate")
        }
    }

    private static func setValidity(of certificate: OpaquePointer, notBefore: Int64, days: Int) -> Bool {
        let seconds = Int64(clamping: days).multipliedReportingOverflow(by: 86_400)
        let notAfter = notBefore.addingReportingOverflow(seconds.partialValue)
        guard (1...36_500).contains(days), !seconds.overflow, !notAfter.overflow else { return false }
        return unsafe ASN1_TIME_set(X509_getm_notBefore(certificate), Int(notBefore)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), Int(notAfter.partialValue)) != nil
    }

    /// Makes a name the subject and the issuer.
    private static func setSubject(of certificate: OpaquePointer, to name: String) -> Bool {
        let subject = unsafe X509_get_subject_name(certificate)
        let common = name.utf8.count <= 64 ? name : "Letterhouse"
        let added = unsafe X509_NAME_add_entry_by_NID(
            subject,
            NID_commonName,
            MBSTRING_UTF8,
            Array(common.utf8),
            Int32(common.utf8.count),
            -1,
            0
        )
        return unsafe added == 1 && X509_set_issuer_name(certificate, subject) == 1
    }
}
