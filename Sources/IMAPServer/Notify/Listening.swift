// SPDX-License-Identifier: Apache-2.0

/// What a client wants to hear of the selected mailbox, and when.
///
/// As RFC 9051 has it until NOTIFY says otherwise: everything, with commands and in IDLE. It decides nothing else:
/// changes are told in one place, `tellChanges`, and what is not told stays to be told.
struct Listening: Sendable {
    var kinds = SelectedMailbox.Kinds.all
    /// Whether the client listens when no command of its is in progress (RFC 5465 §6.1).
    var isOutsideCommands = false
    /// Whether it hears of EXPUNGEs then, so that message numbers mean nothing any more: SELECTED, not
    /// SELECTED-DELAYED.
    var expungesOutsideCommands = false
    /// What it wants to know of each new message (RFC 5465 §5.2).
    var items: [any FetchItem] = []

    /// After NOTIFY NONE.
    static let toNothing = Listening(kinds: [])
}

extension SelectedMailbox.Kinds {
    init(_ events: NotifyEvents) {
        self = []
        if events.contains(.messages) { self.insert(.messages) }
        if events.contains(.flags) { self.insert(.flags) }
    }
}
