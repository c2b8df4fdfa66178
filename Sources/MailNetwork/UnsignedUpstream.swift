// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization

/// Finds out whether name servers pass signatures on, and looks names up without validation for a while if they do not.
///
/// Whoever can make them hide all signatures from the start can do that too; once one has been seen, nobody can.
final class UnsignedUpstream: Sendable {
    private enum Finding {
        case unknown
        /// Signatures come through: what is bogus is bogus.
        case signed
        /// They do not, or did not until then; the context without validation.
        case unsigned(ResolverContext, until: NIODeadline)
    }

    private let settings: ResolverSettings
    private let finding = Mutex(Finding.unknown)

    /// How long that counts: a clock that is set late, or a bad moment of the network, must not switch validation off for good.
    private static let patience = TimeAmount.minutes(10)

    init(_ settings: ResolverSettings) { self.settings = settings }

    /// An answer was validated.
    func sawSignature() { self.finding.withLock { $0 = .signed } }

    /// The context to ask instead, as long as signatures are known not to come through.
    var current: ResolverContext? {
        self.finding.withLock { finding in
            guard case .unsigned(let plain, let end) = finding, NIODeadline.now() < end else { return nil }
            return plain
        }
    }

    /// The context to ask instead when an answer was bogus; nil if it is so because somebody forged it, its zone is broken, or
    /// that cannot be found out now.
    ///
    /// The root's keys tell: they are signed for sure.
    func resolver(beside context: ResolverContext) async -> ResolverContext? {
        if case .signed = self.finding.withLock({ $0 }) { return nil }
        guard let root = DomainName(".") else { return nil }
        do {
            let answer = try await context.resolve(root, type: .dnskey, settings: self.settings)
            if answer.isSecure {
                self.sawSignature()
                return nil
            }
        } catch {
            guard case .bogus = error else { return nil }
        }
        return self.findUnsigned()
    }

    private func findUnsigned() -> ResolverContext? {
        self.finding.withLock { finding in
            let end = NIODeadline.now() + Self.patience
            switch finding {
            case .signed:
                return nil
            case .unsigned(let plain, _):
                finding = .unsigned(plain, until: end)
                return plain
            case .unknown:
                var settings = self.settings
                settings.trustAnchorFile = nil
                guard let plain = try? ResolverContext(settings) else { return nil }
                finding = .unsigned(plain, until: end)
                Logger.current.warning(
                    "The name servers pass on no DNSSEC signatures: names are looked up unverified, and DANE is out of use"
                )
                return plain
            }
        }
    }
}
