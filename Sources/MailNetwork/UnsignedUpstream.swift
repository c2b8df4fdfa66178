// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// Finds out whether name servers pass signatures on, and looks names up without validation if they do not.
///
/// Whoever can make them hide all signatures from the start can do that too; once one has been seen, nobody can.
final class UnsignedUpstream: Sendable {
    private enum Finding {
        case unknown
        /// Signatures come through: what is bogus is bogus.
        case signed
        /// They do not; the context without validation.
        case unsigned(ResolverContext)
    }

    private let settings: ResolverSettings
    private let finding = Mutex(Finding.unknown)

    init(_ settings: ResolverSettings) { self.settings = settings }

    /// An answer was validated.
    func sawSignature() {
        self.finding.withLock { finding in
            if case .unknown = finding { finding = .signed }
        }
    }

    /// The context to ask instead when an answer was bogus; nil if it is so because somebody forged it, or its zone is broken.
    ///
    /// The root's keys tell: they are signed for sure.
    func resolver(beside context: ResolverContext) async throws(ResolutionError) -> ResolverContext? {
        switch self.finding.withLock({ $0 }) {
        case .signed: return nil
        case .unsigned(let plain): return plain
        case .unknown: break
        }
        guard let root = DomainName(".") else { return nil }
        do {
            let answer = try await context.resolve(root, type: .dnskey, settings: self.settings)
            if answer.isSecure {
                self.sawSignature()
                return nil
            }
        } catch {
            guard case .bogus = error else { throw error }
        }
        return self.finding.withLock { finding in
            switch finding {
            case .signed: return nil
            case .unsigned(let plain): return plain
            case .unknown:
                var settings = self.settings
                settings.trustAnchorFile = nil
                guard let plain = try? ResolverContext(settings) else { return nil }
                finding = .unsigned(plain)
                Logger.current.warning(
                    "The name servers pass on no DNSSEC signatures: names are looked up unverified, and DANE is out of use"
                )
                return plain
            }
        }
    }
}
