// SPDX-License-Identifier: Apache-2.0

import MailConnection

/// A conversation with one filter about one client: what it is told, and what it says about it.
///
/// Follows what was agreed: what the filter does not want to hear is not said, and what it does not answer is not waited for.
/// Nothing is waited for beyond a deadline. After a failure, or when the filter wants to hear no more, every answer is
/// ``MilterAnswer/proceed``, so that whoever asks need not remember.
package struct MilterConversation {
    /// More changes than that are no filter's.
    private static let mostChanges = 1000

    private enum Interest { case all, nothingOfMessage, nothing }

    private var channel: any MilterChannel
    private let time: TimeSource
    private let timeout: Duration
    private var reader = MilterFrameReader()
    private let agreement: MilterAgreement
    private var interest = Interest.all
    private var skipsBody = false
    /// The filter knows of a message that has not ended.
    private var isInMessage = false

    /// Opens a conversation: connects, and agrees about how to go on.
    ///
    /// `timeout`: how long each answer may take. Throws ``MilterFailure``, and `CancellationError`.
    package init(_ connector: any MilterConnector, timeout: Duration, time: TimeSource) async throws {
        let opened: any MilterChannel
        do {
            opened = try await connector.open(timeout: timeout)
        } catch {
            try Task.checkCancellation()
            throw MilterFailure.unreachable("\(error)")
        }
        self.channel = opened
        self.time = time
        self.timeout = timeout
        do {
            var reader = MilterFrameReader()
            try await Self.write(MilterAgreement.proposal, to: self.channel, until: time.now() + timeout, time)
            let frame = try await Self.frame(&reader, &self.channel, until: time.now() + timeout, time)
            guard frame.letter == UInt8(ascii: "O"), reader.isEmpty else {
                throw MilterFailure.malformed("something else than a negotiation")
            }
            self.agreement = try MilterAgreement(answer: frame.payload)
        } catch {
            opened.hangUp()
            throw error
        }
    }

    /// Tells the filter something, with the macros that it may want to know; what it says about it.
    ///
    /// Throws ``MilterFailure``, and `CancellationError`; the conversation is over then.
    package mutating func tell(
        _ command: MilterCommand,
        _ macros: [(name: String, value: String)] = []
    ) async throws -> MilterAnswer {
        guard self.isHeard(command) else { return .proceed }
        let deadline = self.time.now() + self.timeout
        let octets = (macros.isEmpty ? [] : command.macros(macros)) + command.encoded(self.agreement)
        try await Self.write(octets, to: self.channel, until: deadline, self.time)
        guard command.isAnswered(self.agreement) else { return .proceed }
        while true {
            switch try await self.response(until: deadline) {
            case .answer(let answer): return self.follow(answer, to: command)
            case .progress, .other: continue
            case .change: throw MilterFailure.malformed("a change before the end of the message")
            }
        }
    }

    /// Tells that the message has ended, without waiting for the answer.
    ///
    /// - Returns: until when ``verdict(until:)`` may wait; nil if there will be nothing to wait for.
    package mutating func end(_ macros: [(name: String, value: String)]) async throws -> Duration? {
        guard self.isHeard(.endOfMessage) else { return nil }
        let deadline = self.time.now() + self.timeout
        let command = MilterCommand.endOfMessage
        let octets = command.macros(macros) + command.encoded(self.agreement)
        try await Self.write(octets, to: self.channel, until: deadline, self.time)
        return deadline
    }

    /// What the filter says of the message as a whole, and what it wants done with it.
    ///
    /// That it is still at work makes nobody wait any longer (RFC 1047).
    package mutating func verdict(until deadline: Duration) async throws -> (MilterAnswer, [MilterChange]) {
        var changes: [MilterChange] = []
        while true {
            switch try await self.response(until: deadline) {
            case .answer(let answer):
                self.isInMessage = false
                return (self.follow(answer, to: .endOfMessage), changes)
            case .change(let change):
                guard changes.count < Self.mostChanges else { throw MilterFailure.malformed("too many changes") }
                changes.append(change)
            case .progress, .other: continue
            }
        }
    }

    /// The message does not come to its end; the next one may come.
    package mutating func endMessage() async throws {
        if self.isInMessage { _ = try await self.tell(.abort) }
        self.isInMessage = false
        self.skipsBody = false
        if self.interest == .nothingOfMessage { self.interest = .all }
    }

    /// Hangs up; with a farewell, if everything was well.
    package mutating func close(saying farewell: Bool) async {
        if farewell {
            let octets = MilterCommand.quit.encoded(self.agreement)
            try? await Self.write(octets, to: self.channel, until: self.time.now() + .seconds(1), self.time)
        }
        self.channel.hangUp()
    }

    // MARK: Rules

    private mutating func isHeard(_ command: MilterCommand) -> Bool {
        switch command {
        case .connect, .helo: break
        case .mail: self.isInMessage = true
        case .abort: return self.interest != .nothing
        default: guard self.isInMessage else { return false }
        }
        guard self.interest == .all, command.isWanted(self.agreement) else { return false }
        if case .body = command, self.skipsBody { return false }
        return true
    }

    private mutating func follow(_ answer: MilterAnswer, to command: MilterCommand) -> MilterAnswer {
        switch (answer, command) {
        case (.skip, .body):
            self.skipsBody = true
            return .proceed
        case (.skip, _): return .proceed
        case (.accept, .connect), (.accept, .helo): self.interest = .nothing
        // One recipient is not the message.
        case (.reject, .recipient), (.tryLater, .recipient), (.reply, .recipient): break
        case (.accept, _), (.reject, _), (.tryLater, _), (.reply, _), (.discard, _), (.hangUp, _):
            if case .endOfMessage = command { break }
            self.interest = .nothingOfMessage
        case (.proceed, _): break
        }
        return answer
    }

    // MARK: Frames

    private mutating func response(until deadline: Duration) async throws -> MilterResponse {
        let frame = try await Self.frame(&self.reader, &self.channel, until: deadline, self.time)
        return try MilterResponse(letter: frame.letter, payload: frame.payload, self.agreement)
    }

    private static func frame(
        _ reader: inout MilterFrameReader,
        _ channel: inout any MilterChannel,
        until deadline: Duration,
        _ time: TimeSource
    ) async throws -> (letter: UInt8, payload: ArraySlice<UInt8>) {
        while true {
            if let frame = try reader.next() { return frame }
            let alarm = time.setAlarm(deadline, channel.hangUp)
            defer { alarm.cancel() }
            let octets: [UInt8]?
            do { octets = try await channel.read() } catch { octets = nil }
            guard let octets else {
                try Task.checkCancellation()
                throw time.now() >= deadline ? MilterFailure.tooSlow : .hungUp
            }
            reader.append(octets)
        }
    }

    private static func write(
        _ octets: [UInt8],
        to channel: any MilterChannel,
        until deadline: Duration,
        _ time: TimeSource
    ) async throws {
        let alarm = time.setAlarm(deadline, channel.hangUp)
        defer { alarm.cancel() }
        do {
            try await channel.write(octets)
        } catch {
            try Task.checkCancellation()
            throw time.now() >= deadline ? MilterFailure.tooSlow : .hungUp
        }
    }
}
