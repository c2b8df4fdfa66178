// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax

/// How long the session waits for its client (RFC 5321 §4.5.3.2), also when the process ends (§3.8).
extension SMTPSession {
    /// When the session ends unless something comes.
    private var deadline: Duration {
        let timeout: Duration
        switch (self.expecting, self.ending) {
        case (.command, nil), (.saslResponse, nil): timeout = self.service.options.commandTimeout
        case (.content, _), (.chunk, _): timeout = self.service.options.contentTimeout
        // Nobody who has just connected is sent away, nor whoever is on the way to a message.
        case (.command, _?), (.saslResponse, _?): timeout = self.service.options.endingCommandTimeout
        }
        return min(self.lastActivity + timeout, self.ending ?? .seconds(Int64.max))
    }

    /// Early enough for a timeout that begins to count when the state changes.
    private var earliestDeadline: Duration {
        let shortest = min(self.service.options.commandTimeout, self.service.options.contentTimeout)
        return min(self.lastActivity + shortest, self.deadline)
    }

    /// One sleeping task for the whole session: when it wakes too early, it sleeps again.
    func startTimer(in group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let (time, post) = (self.service.time, self.connection.post)
        let early = self.earliestDeadline
        let deadline = time.now() < early ? early : self.deadline
        group.addTask {
            do { try await time.sleep(deadline) } catch { return }
            post(.timer)
        }
    }

    mutating func checkTimer(in group: inout ThrowingDiscardingTaskGroup<any Error>) {
        guard self.service.time.now() >= self.deadline else { return self.startTimer(in: &group) }
        let hostname = self.service.options.hostname
        self.end(self.ending == nil ? .timedOut(hostname) : .notAvailable(hostname))
    }

    /// The process stops: a message that arrives may arrive, within bounds; whoever is silent is sent away at once.
    mutating func beginEnding(in group: inout ThrowingDiscardingTaskGroup<any Error>) {
        guard self.ending == nil else { return }
        self.ending = self.service.time.now() + self.service.options.endingTimeout
        // The timer that runs wakes too late, and wakes in vain.
        self.checkTimer(in: &group)
    }
}
