// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// What a task that attempts messages tells the dispatcher.
struct Desk: Sendable {
    /// The task's number.
    let number: Int
    let post: @Sendable (Dispatcher.Event) -> Void

    /// Hands over verdicts, by the recipients' numbers; for each recipient once.
    func settle(_ consignment: Consignment, _ entry: QueueEntry, _ verdicts: [Int: Verdict]) {
        guard !verdicts.isEmpty else { return }
        self.post(.settle(consignment, entry, verdicts))
    }
}
