// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// INPROGRESS, RFC 9585: a client that waits long for a command hears how far it is.
///
/// It is said between the responses of commands and never within them, so nothing that others could be told meanwhile
/// waits for it.
enum InProgress: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["INPROGRESS"] }
}

/// How far a command is, told now and then.
struct ProgressReport: Sendable {
    /// "It is RECOMMENDED that these be sent every 10..15 seconds" (RFC 9585 §4).
    private static let interval: Duration = .seconds(10)

    private let now: @Sendable () -> Duration
    private let post: @Sendable (_ done: Int, _ goal: Int) -> Void
    private var deadline: Duration

    /// Begins when the command does.
    init(now: @escaping @Sendable () -> Duration, post: @escaping @Sendable (_ done: Int, _ goal: Int) -> Void) {
        self.now = now
        self.post = post
        self.deadline = now() + Self.interval
    }

    /// Says that `done` of `goal` items are behind it, if that has not been said for some time.
    mutating func tell(_ done: Int, of goal: Int) {
        guard done < goal, self.now() >= self.deadline else { return }
        self.deadline = self.now() + Self.interval
        self.post(done, goal)
    }
}

extension IMAPSession {
    /// Tells how far a running command is, unless somebody's responses are being written: then the client hears enough.
    mutating func tellProgress(of id: CommandQueue.ID, _ done: Int, of goal: Int) {
        guard self.blocks.holder == nil, let entry = self.queue.entry(id) else { return }
        let code = ResponseCode.inProgress(
            tag: entry.tag,
            done: UInt32(clamping: done),
            goal: UInt32(clamping: goal)
        )
        self.output.untagged(.ok, code: code, "\(entry.name) has looked at \(done) of \(goal) messages")
    }
}
