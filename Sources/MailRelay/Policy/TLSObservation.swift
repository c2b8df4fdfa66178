// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// How TLS with one host of a domain went, for whoever tells the domain (RFC 8460).
///
/// One for each session that was tried to an exchanger of the domain, and one where it failed before there was a session,
/// because the domain's policy could not be had. None for a smarthost, or an address literal: no domain has a say there.
package struct TLSObservation: Hashable, Sendable {
    /// What the domain says about TLS to its hosts (RFC 8460 §4.4, `policy`).
    package struct Policy: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable {
            case tlsa
            case sts
            case none = "no-policy-found"
        }

        package var kind: Kind
        /// The lines of the MTA-STS policy, or the TLSA records in presentation form.
        package var strings: [String]
        /// The patterns of the MTA-STS policy's `mx` lines.
        package var hostPatterns: [String]

        package init(_ kind: Kind, strings: [String] = [], hostPatterns: [String] = []) {
            self.kind = kind
            self.strings = strings
            self.hostPatterns = hostPatterns
        }
    }

    /// RFC 8460 §4.3; all but the first are failures.
    package enum Result: String, Hashable, Sendable, CaseIterable {
        case success
        case noSTARTTLS = "starttls-not-supported"
        case hostMismatch = "certificate-host-mismatch"
        case expired = "certificate-expired"
        case notTrusted = "certificate-not-trusted"
        case validationFailure = "validation-failure"
        case invalidTLSA = "tlsa-invalid"
        case invalidDNSSEC = "dnssec-invalid"
        case daneRequired = "dane-required"
        case policyFetchError = "sts-policy-fetch-error"
        case policyInvalid = "sts-policy-invalid"
        case policyHostInvalid = "sts-webpki-invalid"
    }

    /// The domain whose policy it is: that of the recipients, lower case.
    package var domain: String
    package var policy: Policy
    package var result: Result
    /// The name of its host, if one was asked.
    package var host: String?
    package var address: IPAddress?
    /// Our side of the connection.
    package var ownAddress: IPAddress?
    /// For people: what went wrong in other words, a short line without anything secret.
    package var reason: String?

    package init(
        domain: String,
        policy: Policy,
        result: Result,
        host: String? = nil,
        address: IPAddress? = nil,
        ownAddress: IPAddress? = nil,
        reason: String? = nil
    ) {
        self.domain = domain
        self.policy = policy
        self.result = result
        self.host = host
        self.address = address
        self.ownAddress = ownAddress
        self.reason = reason
    }
}

/// What the header of a message says about TLS on its way.
struct TLSFields: Hashable, Sendable {
    /// `TLS-Required: No`: whatever the domains of its recipients want (RFC 8689 §3).
    private(set) var isOptional = false
    /// It is a report about TLS (RFC 8460 §5.3): how it gets there is not reported, or two servers would never stop, and
    /// it has to get there even if TLS does not work.
    private(set) var isReport = false

    /// `header`: whole lines.
    init(header: [UInt8]) {
        for line in header.split(separator: UInt8(ascii: "\n")) {
            // What begins with a blank goes on with the field before.
            guard line.first.map({ $0 > 0x20 }) == true, let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                continue
            }
            let name = Self.folded(line[..<colon])
            if name.elementsEqual("tls-report-domain".utf8) { self.isReport = true }
            if name.elementsEqual("tls-required".utf8) {
                self.isOptional = self.isOptional || Self.folded(line[(colon + 1)...]).elementsEqual("no".utf8)
            }
        }
    }

    /// Without blanks, in lower case.
    private static func folded(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        octets.filter { $0 > 0x20 }.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }
}
