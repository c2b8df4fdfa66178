// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// LITERAL+ and LITERAL-, RFC 7888: literals that come without being asked for.
///
/// Whoever has logged in may send any; before that only short ones, for their octets must be read whatever they are.
enum Literals: IMAPExtension {
    /// RFC 7888 §5.
    static let shortLimit: UInt64 = 4096

    static func capabilities(_ view: SessionView) -> [String] { [view.account == nil ? "LITERAL-" : "LITERAL+"] }
}

extension IMAPSession {
    /// Whether a literal is longer than may be sent without asking.
    func isTooLong(_ header: LiteralHeader) -> Bool {
        self.view.account == nil && header.isNonSynchronizing && header.size > Literals.shortLimit
    }
}
