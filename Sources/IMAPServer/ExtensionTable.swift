// SPDX-License-Identifier: Apache-2.0

/// What this server speaks.
///
/// A new command is one file and one line here; so is a new extension.
enum ExtensionTable {
    /// The commands of RFC 9051 §6 in its order, then those of RFC 3501 that it dropped.
    static let base: [any IMAPCommand.Type] = [
        CapabilityCommand.self, NoopCommand.self, LogoutCommand.self,
        SelectCommand.self, ExamineCommand.self, CreateCommand.self, DeleteCommand.self, RenameCommand.self,
        SubscribeCommand.self, UnsubscribeCommand.self, ListCommand.self, NamespaceCommand.self, StatusCommand.self,
        AppendCommand.self, IdleCommand.self,
        CloseCommand.self, UnselectCommand.self, ExpungeCommand.self, SearchCommand.self, FetchCommand.self,
        StoreCommand.self, CopyCommand.self, MoveCommand.self,
        CheckCommand.self, LsubCommand.self,
    ]

    static let extensions: [any IMAPExtension.Type] = [
        Revisions.self, Literals.self, StartTLSCommand.self, LoginCommand.self, AuthenticateCommand.self,
        EnableCommand.self, IDCommand.self,
        Condstore.self, Qresync.self,
        SortCommand.self, ThreadCommand.self, Within.self, PartialResults.self, MultiSearchCommand.self,
        CancelUpdateCommand.self, NotifyCommand.self,
        AccessControl.self, QuotaExtension.self, MetadataExtension.self, ListMetadata.self, CreateSpecialUse.self,
        MultiAppend.self, Catenate.self, ReplaceCommand.self, AppendLimit.self, UTF8Accept.self,
        SaveDate.self, MessagePreview.self, ObjectID.self, InProgress.self, UnauthenticateCommand.self,
        CompressCommand.self,
    ]

    private static let commands: [String: any IMAPCommand.Type] = Dictionary(
        (Self.base + Self.extensions.flatMap { $0.commands }).map { ($0.name, $0) },
        uniquingKeysWith: { first, _ in first }
    )

    /// The command of that name, if it exists with that addressing.
    static func command(_ name: String, _ addressing: Addressing) -> (any IMAPCommand.Type)? {
        guard let type = Self.commands[name] else { return nil }
        return addressing == .sequenceNumbers || type is any UIDCommand.Type ? type : nil
    }

    /// The names under which sessions know their commands, `UID` forms included.
    static var commandNames: [String] {
        self.commands.flatMap { name, type in type is any UIDCommand.Type ? [name, "UID \(name)"] : [name] }
    }

    /// What CAPABILITY answers now.
    static func capabilities(_ view: SessionView) -> [String] {
        Self.extensions.flatMap { $0.capabilities(view) }.filter(view.offers)
    }
}
