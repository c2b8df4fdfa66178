// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of octets into complete commands (RFC 9051 §2.2.1), literals in place.
///
/// Whole read buffers go in, events come out until there are none:
///
///     framer.append(octets)
///     while let event = framer.next() { … }
///
/// A command is handed over without its final CRLF. A literal within it stands as it came: its announcement, CRLF, and
/// exactly the announced octets, so that ``CommandParser`` counts them off and can never take them for syntax. Long
/// literals need not be kept: the session may have them streamed, or refuse them. Time is linear in the octets fed,
/// however they are split; memory is one read buffer and what ``limits`` allow.
package struct CommandFramer: Sendable {
    /// How much of what a client sends is kept.
    package struct Limits: Hashable, Sendable {
        /// Octets of one line, or of a command without its literals.
        package var line: Int
        /// Octets of one command with the literals gathered into it.
        package var command: Int
        /// Literals gathered into one command.
        package var literals: Int

        package init(line: Int, command: Int, literals: Int) {
            self.line = line
            self.command = command
            self.literals = literals
        }

        /// For clients that nobody knows yet.
        package static let unauthenticated = Limits(line: 8 << 10, command: 16 << 10, literals: 8)
        /// Room for a sequence set of some thousand ranges: RFC 2683 §3.2.1.5 asks for 8000 octets at least.
        package static let authenticated = Limits(line: 64 << 10, command: 256 << 10, literals: 256)
    }

    /// What the octets fed so far amount to.
    package enum Event: Hashable, Sendable {
        /// A complete command; after a streamed literal only what followed it.
        case command([UInt8])
        /// A literal is announced: ``gather()``, ``stream()`` or ``refuse()`` it; until then nothing more comes.
        case literal(LiteralAnnouncement)
        /// Octets of a literal that is being streamed, never empty.
        case octets(ArraySlice<UInt8>)
        /// All octets of a streamed literal have come; a ``literal(_:)`` or ``command(_:)`` with the rest follows.
        case literalEnd
        /// Something was too long; it is skipped up to the next command.
        case failure(FramingError)
    }

    private enum State: Sendable {
        case line
        case announced(LiteralHeader)
        case gathering(Int)
        case streaming(UInt64)
        case skippingLiteral(UInt64)
        case skippingLine
    }

    /// May be changed at any time, such as after a login.
    package var limits: Limits

    private var state = State.line
    private var buffer: [UInt8] = []
    /// The first octet of `buffer` that is not yet consumed.
    private var head = 0
    /// There is no line end between `head` and here.
    private var scanned = 0

    /// The lines and literals of a command that has literals.
    private var command: [UInt8] = []
    /// How much of `command` is text, counted against ``Limits/line``.
    private var textCount = 0
    private var literalCount = 0
    /// A literal of this command was streamed, so that its beginning is gone.
    private var isContinuation = false
    private var continuedTag: String?
    private var pendingFailure: FramingError?

    package init(limits: Limits = .unauthenticated) { self.limits = limits }

    /// Whether nothing waits: no octet, no half command.
    package var isEmpty: Bool {
        guard case .line = self.state else { return false }
        return self.head == self.buffer.count && self.command.isEmpty && !self.isContinuation
            && self.pendingFailure == nil
    }

    /// Whether the octets that come next are those of a literal, wanted or not.
    package var isWithinLiteral: Bool {
        switch self.state {
        case .gathering, .streaming, .skippingLiteral: true
        case .line, .announced, .skippingLine: false
        }
    }

    /// How many octets are kept.
    var heldCount: Int { self.buffer.count + self.command.count }

    /// Forgets all octets, as STARTTLS demands (RFC 9051 §6.2.1).
    package mutating func reset() { self = CommandFramer(limits: self.limits) }

    /// Takes a read buffer.
    package mutating func append(_ octets: [UInt8]) {
        if self.head == self.buffer.count {
            (self.buffer, self.head, self.scanned) = (octets, 0, 0)
        } else {
            self.buffer.append(contentsOf: octets)
        }
    }

    /// The next event; nil when more octets, or the session's word on a literal, are needed.
    package mutating func next() -> Event? {
        if let failure = self.pendingFailure.take() { return .failure(failure) }
        while true {
            switch self.state {
            case .line:
                guard let line = self.line() else {
                    // One octet more than allowed may still be the CR.
                    let count = self.textCount + self.buffer.count - self.head
                    if count > self.limits.line + 1 { return .failure(self.lineTooLong()) }
                    self.compact()
                    return nil
                }
                if let event = self.take(line) { return event }
            case .announced:
                return nil
            case .gathering(let remaining):
                let count = min(remaining, self.buffer.count - self.head)
                self.command.append(contentsOf: self.buffer[self.head..<self.head + count])
                self.consume(to: self.head + count)
                self.state = remaining == count ? .line : .gathering(remaining - count)
                if remaining > count { return nil }
            case .streaming(0):
                self.state = .line
                return .literalEnd
            case .streaming(let remaining):
                guard self.head < self.buffer.count else { return nil }
                let count = Int(min(remaining, UInt64(self.buffer.count - self.head)))
                self.state = .streaming(remaining - UInt64(count))
                return .octets(self.chunk(count))
            case .skippingLiteral, .skippingLine:
                guard self.skip() else { return nil }
            }
        }
    }

    /// The next line as it is, for what is not a command: IDLE's `DONE` and the responses of AUTHENTICATE.
    ///
    /// Only between commands; while one is incomplete there is no line. An empty line counts. Throws when the line is
    /// longer than ``Limits/line``; it is then skipped.
    package mutating func nextLine() throws(FramingError) -> [UInt8]? {
        guard self.skip(), case .line = self.state, self.command.isEmpty, !self.isContinuation else { return nil }
        guard let line = self.line() else {
            if self.buffer.count - self.head > self.limits.line + 1 { throw self.lineTooLong() }
            self.compact()
            return nil
        }
        guard line.text.count <= self.limits.line else { throw self.lineTooLong() }
        let octets = Array(self.buffer[line.text])
        self.consume(to: line.end)
        return octets
    }
}

// What a session says to an announced literal.
extension CommandFramer {
    /// Takes the announced literal into the command; one that does not fit is refused, and reported as too long.
    package mutating func gather() {
        guard case .announced(let header) = self.state else { return }
        if self.fits(header) {
            self.literalCount += 1
            self.state = .gathering(Int(header.size))
        } else {
            self.pendingFailure = FramingError(.commandTooLong, tag: self.tag)
            self.refuse()
        }
    }

    /// Hands on the octets of the announced literal as they come.
    ///
    /// The command so far is forgotten: the session has it from the announcement.
    package mutating func stream() {
        guard case .announced(let header) = self.state else { return }
        self.continuedTag = self.tag
        self.forgetCommand()
        self.isContinuation = true
        self.state = .streaming(header.size)
    }

    /// Gives the command up, at its announcement or in the middle of its literal.
    ///
    /// After a synchronizing announcement the next line is a new command, for the client has not been asked to go on.
    /// Octets that come without asking, or were asked for, are skipped together with the rest of their command, and
    /// nothing of them is ever taken for a command.
    package mutating func refuse() {
        switch self.state {
        case .announced(let header):
            self.state = header.isNonSynchronizing ? .skippingLiteral(header.size) : .line
        case .gathering(let remaining): self.state = .skippingLiteral(UInt64(remaining))
        case .streaming(let remaining): self.state = .skippingLiteral(remaining)
        case .line: if self.isContinuation || !self.command.isEmpty { self.state = .skippingLine }
        case .skippingLiteral, .skippingLine: break
        }
        self.endCommand()
    }

    private func fits(_ header: LiteralHeader) -> Bool {
        self.literalCount < self.limits.literals && self.command.count <= self.limits.command
            && header.size <= UInt64(self.limits.command - self.command.count)
    }
}

// Lines.
extension CommandFramer {
    /// A line within the buffer: its text, and where the next line begins.
    private struct Line {
        var text: Range<Int>
        var end: Int
    }

    /// Finds the end of the line that begins at `head`, looking at every octet once.
    ///
    /// QUIRK: a bare LF ends a line too. People who type into `nc` send nothing else, and no other meaning of it is
    /// lost: a bare LF is in no production outside literals.
    private mutating func line() -> Line? {
        var index = self.scanned
        let count = self.buffer.count
        while index < count, self.buffer[index] != .lf { index += 1 }
        self.scanned = index
        guard index < count else { return nil }
        let hasCR = index > self.head && self.buffer[index - 1] == .cr
        return Line(text: self.head..<(hasCR ? index - 1 : index), end: index + 1)
    }

    /// Makes an event of a line of a command; nil for an empty line between commands.
    private mutating func take(_ line: Line) -> Event? {
        guard self.textCount + line.text.count <= self.limits.line else { return .failure(self.lineTooLong()) }
        let text = self.buffer[line.text]
        if let header = LiteralHeader(endOf: text) {
            self.textCount += text.count
            self.command.append(contentsOf: text)
            self.command.append(contentsOf: [.cr, .lf])
            self.consume(to: line.end)
            self.state = .announced(header)
            return .literal(
                LiteralAnnouncement(tag: self.tag, command: self.command, header: header, fits: self.fits(header))
            )
        }
        if self.command.isEmpty, !self.isContinuation {
            // QUIRK: Apple Mail sends empty lines before a tag; they are nothing.
            let command = Array(text)
            self.consume(to: line.end)
            return command.isEmpty ? nil : .command(command)
        }
        self.command.append(contentsOf: text)
        self.consume(to: line.end)
        let command = self.command
        self.endCommand()
        return .command(command)
    }

    /// Leaves the line where it is, to be skipped: its end may announce a literal.
    private mutating func lineTooLong() -> FramingError {
        let error = FramingError(.lineTooLong, tag: self.tag)
        self.endCommand()
        self.state = .skippingLine
        return error
    }

    /// Skips the rest of a command; false when it needs more octets for that.
    private mutating func skip() -> Bool {
        while true {
            switch self.state {
            case .skippingLiteral(let remaining):
                let count = Int(min(remaining, UInt64(self.buffer.count - self.head)))
                self.consume(to: self.head + count)
                guard UInt64(count) == remaining else {
                    self.state = .skippingLiteral(remaining - UInt64(count))
                    return false
                }
                self.state = .skippingLine
            case .skippingLine:
                guard let line = self.line() else {
                    self.head = max(self.head, self.buffer.count - LiteralHeader.maximumLength)
                    self.compact()
                    return false
                }
                let header = LiteralHeader(endOf: self.buffer[line.text])
                self.consume(to: line.end)
                // A client waits for the "+" of a synchronizing literal, and has its refusal already.
                guard let header, header.isNonSynchronizing else {
                    self.state = .line
                    return true
                }
                self.state = .skippingLiteral(header.size)
            default:
                return true
            }
        }
    }
}

// The buffer and the command.
extension CommandFramer {
    private mutating func consume(to index: Int) {
        self.head = index
        self.scanned = index
        // An idle connection holds no read buffer.
        if index == self.buffer.count { (self.buffer, self.head, self.scanned) = ([], 0, 0) }
    }

    /// Drops what is consumed once it is more than what is left, so that no octet is moved more than twice.
    private mutating func compact() {
        guard self.head > self.buffer.count / 2 else { return }
        self.buffer = Array(self.buffer[self.head...])
        self.scanned -= self.head
        self.head = 0
    }

    /// The next `count` octets, without a copy where they are all there is.
    private mutating func chunk(_ count: Int) -> ArraySlice<UInt8> {
        let end = self.head + count
        let chunk = end == self.buffer.count ? self.buffer[self.head..<end] : Array(self.buffer[self.head..<end])[...]
        self.consume(to: end)
        return chunk
    }

    private mutating func forgetCommand() {
        self.command = []
        self.textCount = 0
        self.literalCount = 0
    }

    private mutating func endCommand() {
        self.forgetCommand()
        self.isContinuation = false
        self.continuedTag = nil
    }

    /// The tag of the command that is being collected.
    private var tag: String? {
        if self.isContinuation { return self.continuedTag }
        let octets = self.command.isEmpty ? self.buffer[self.head...] : self.command[...]
        guard let end = octets.prefix(256).firstIndex(of: .space), end > octets.startIndex,
            octets[..<end].allSatisfy(\.isTagCharacter)
        else { return nil }
        return String(decoding: octets[..<end], as: UTF8.self)
    }
}
