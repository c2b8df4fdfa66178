// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// What the name system says a server's certificate must be (RFC 6698 §2): the data of one TLSA record.
package struct TLSARecord: Sendable, Hashable {
    /// Certificate usage (§2.1.1).
    package let usage: UInt8
    /// What of the certificate is compared: all of it (0) or its public key (1) (§2.1.2).
    package let selector: UInt8
    /// How: octet by octet (0), by SHA-256 (1) or SHA-512 (2) (§2.1.3).
    package let matchingType: UInt8
    /// What it is compared with.
    package let association: [UInt8]

    package init(usage: UInt8, selector: UInt8, matchingType: UInt8, association: [UInt8]) {
        self.usage = usage
        self.selector = selector
        self.matchingType = matchingType
        self.association = association
    }

    /// From RDATA; nil if it is too short to be any.
    package init?(rdata: [UInt8]) {
        guard rdata.count > 3 else { return nil }
        self.init(usage: rdata[0], selector: rdata[1], matchingType: rdata[2], association: Array(rdata[3...]))
    }

    /// Whether a mail server can be authenticated by it (RFC 7672 §3.1): the certificate itself (3) or an authority (2),
    /// by means that we know.
    ///
    /// What binds to the authorities of browsers (0, 1) is of no use between mail servers.
    package var isUsable: Bool {
        guard self.usage == 2 || self.usage == 3, self.selector <= 1 else { return false }
        return switch self.matchingType {
        case 0: self.isWhole
        case 1: self.association.count == 32
        case 2: self.association.count == 64
        default: false
        }
    }

    /// Whether what is compared is a certificate, or a key, and nothing behind it.
    private var isWhole: Bool {
        defer { ERR_clear_error() }
        return unsafe self.association.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            if self.selector == 0 {
                guard let certificate = unsafe d2i_X509(nil, &position, buffer.count) else { return false }
                unsafe X509_free(certificate)
            } else {
                guard let key = unsafe d2i_PUBKEY(nil, &position, buffer.count) else { return false }
                unsafe EVP_PKEY_free(key)
            }
            guard let start = buffer.baseAddress, let end = unsafe position else { return false }
            return unsafe end - start == buffer.count
        }
    }

    /// The record as zone files have it, for reports: `3 1 1 0123…`.
    package var text: String {
        "\(self.usage) \(self.selector) \(self.matchingType) \(Hexadecimal.encode(self.association))"
    }
}

/// A server that is to be authenticated by its TLSA records (RFC 7672 §3).
package struct DANEPeer: Sendable, Hashable {
    /// Those that are usable; others are left out.
    package let records: [TLSARecord]
    /// The TLSA base domain (§2.2.3): the name that the records were found for, and that is asked for (SNI).
    package let baseDomain: String
    /// Other names that a certificate may bear if an authority vouches for it (§3.2.2): that of the mail's destination.
    package let otherNames: [String]

    /// Nil if none of the records is usable: then nobody can be authenticated by them.
    package init?(records: [TLSARecord], baseDomain: String, otherNames: [String] = []) {
        self.records = records.filter(\.isUsable)
        self.baseDomain = TLSPeerName(baseDomain).text
        self.otherNames = otherNames.map { TLSPeerName($0).text }
        if self.records.isEmpty || self.baseDomain.isEmpty { return nil }
    }
}
