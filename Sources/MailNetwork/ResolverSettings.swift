// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// How a ``DNSResolver`` finds its answers.
package struct ResolverSettings: Sendable {
    /// Whom to ask.
    package enum Upstream: Sendable {
        /// The root servers, and whomever they name.
        case recursion
        /// The name servers of a file in the format of `/etc/resolv.conf`.
        case resolvConf(String)
        /// Other resolvers: `192.0.2.53` or `192.0.2.53@5353`.
        case forwarders([String])
    }

    /// Whom to ask.
    package var upstream: Upstream
    /// A file with the root's DNSSEC keys; nil, or a file that does not exist, switches validation off.
    package var trustAnchorFile: String?
    /// Whether names are looked up without validation where the upstream passes on no signatures at all: many name servers of
    /// providers and routers do not, and then every answer would be a forged one.
    ///
    /// Once a signature has been seen, no longer; and they are looked for again from time to time.
    package var toleratesUnsignedUpstream = false
    /// How long one lookup may take, with all that it needs.
    package var timeout: TimeAmount
    /// How many records of an answer are looked at; the rest is as good as absent.
    package var maximumRecords: Int

    /// Makes settings.
    ///
    /// - Parameters:
    ///   - upstream: whom to ask.
    ///   - trustAnchorFile: by default the one of Debian's package `dns-root-data`.
    ///   - timeout: for one lookup.
    ///   - maximumRecords: of one answer.
    package init(
        upstream: Upstream = .resolvConf("/etc/resolv.conf"),
        trustAnchorFile: String? = "/usr/share/dns/root.key",
        timeout: TimeAmount = .seconds(30),
        maximumRecords: Int = 100
    ) {
        self.upstream = upstream
        self.trustAnchorFile = trustAnchorFile
        self.timeout = timeout
        self.maximumRecords = maximumRecords
    }

    /// Whether answers are verified by DNSSEC: there are keys to begin with.
    package var verifiesNames: Bool { self.usableTrustAnchorFile != nil }

    /// The trust anchor file if it is there.
    var usableTrustAnchorFile: String? {
        self.trustAnchorFile.flatMap { unsafe access($0, R_OK) == 0 ? $0 : nil }
    }

    /// Settings that libunbound does not take.
    package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }
}
