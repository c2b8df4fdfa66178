// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// Where a running command writes its untagged responses: a buffer that is handed on in bounded pieces.
///
/// The pieces of one command and its tagged response are one contiguous block on the wire, whatever else runs.
struct CommandOutput {
    /// When this much is waiting, it is handed on.
    static let pieceSize = 65536

    /// The command's tag, for responses that name it.
    let tag: String
    /// What the client knows of its mailbox when the command begins to run.
    ///
    /// Responses take message numbers from here: a command may have waited since it was bound, and numbers have changed;
    /// while it runs they do not.
    let selected: SelectedMailbox?
    var writer: ResponseWriter
    /// Of the selected mailbox.
    var flagLists = FlagLists()
    /// Where a command that may take long says how far it is; nil for those that run within the session.
    var progress: ProgressReport?
    /// Whether each response is a piece by itself, because it is compressed: its length must tell nothing about others.
    var keepsResponsesApart = false
    private let emit: ([UInt8]) async throws -> Void

    /// Begins with what `writer` has; `emit` takes a piece and returns when the client's side has room for the next one.
    init(
        tag: String,
        selected: SelectedMailbox?,
        writer: ResponseWriter,
        emit: @escaping ([UInt8]) async throws -> Void
    ) {
        self.tag = tag
        self.selected = selected
        self.writer = writer
        self.emit = emit
    }

    /// Hands on what is waiting if it is a piece's worth, or must not be mixed with what follows.
    ///
    /// Call it between responses, and within long literals.
    mutating func flushIfLarge() async throws {
        if self.isDue { try await self.emit(self.writer.take()) }
    }

    /// Whether ``flushIfLarge()`` has something to do.
    var isDue: Bool { self.writer.octets.count >= (self.keepsResponsesApart ? 1 : Self.pieceSize) }

    /// `* VANISHED (EARLIER) …`, handed on piece by piece.
    mutating func vanishedEarlier(_ uids: NumberSet) async throws {
        try await self.writer.vanished(uids, isEarlier: true, emit: self.emit)
    }

    /// Flags and mod-sequences of messages of a mailbox that is being selected, handed on piece by piece.
    mutating func write(
        _ news: SelectedMailbox.News,
        of mailbox: SelectedMailbox,
        _ index: MailboxIndex,
        isRev2: Bool
    ) async throws {
        try await self.writer.write(
            news,
            of: mailbox,
            index: index,
            isRev2: isRev2,
            isCondstore: true,
            isQresync: true,
            emit: self.emit
        )
    }
}
