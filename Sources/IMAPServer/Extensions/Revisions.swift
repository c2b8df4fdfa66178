// SPDX-License-Identifier: Apache-2.0

/// The two revisions of IMAP, and the extensions of IMAP4rev1 that IMAP4rev2 has in its base.
///
/// Those are announced too, for clients that know only the first revision (RFC 9051 Appendix E). Each stands beside
/// the command that is its implementation.
enum Revisions: IMAPExtension {
    private static let inBase: [(capability: String, command: any IMAPCommand.Type)] = [
        ("IDLE", IdleCommand.self), ("NAMESPACE", NamespaceCommand.self), ("UNSELECT", UnselectCommand.self),
        ("UIDPLUS", ExpungeCommand.self), ("MOVE", MoveCommand.self), ("ESEARCH", SearchCommand.self),
        ("SEARCHRES", SearchCommand.self), ("LIST-EXTENDED", ListCommand.self), ("LIST-STATUS", ListCommand.self),
        ("CHILDREN", ListCommand.self), ("SPECIAL-USE", ListCommand.self), ("STATUS=SIZE", StatusCommand.self),
        ("BINARY", FetchCommand.self),
    ]

    static func capabilities(_ view: SessionView) -> [String] {
        ["IMAP4rev2", "IMAP4rev1"] + (view.account == nil ? [] : Self.inBase.map { $0.capability })
    }

    static var enables: EnabledFeature? { .imap4rev2 }
}
