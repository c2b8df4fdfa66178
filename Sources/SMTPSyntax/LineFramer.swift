// SPDX-License-Identifier: Apache-2.0

/// Why a line is not one (RFC 5321 §2.3.8).
///
/// Each is reported once per line; the rest of that line, up to its CRLF, is passed over.
package enum LineFault: Error, Hashable, Sendable {
    /// Longer than ``LineFramer/limit``: `500 Line too long`, and the session may go on.
    case tooLong
    /// A CR that no LF follows. The sender and we disagree about what a line is: answer 5xx and close.
    case bareCarriageReturn
    /// An LF that follows no CR. As above.
    case bareLineFeed
}

/// Owns the octets that arrived and were not yet read, and cuts them as the protocol asks for at the moment.
///
/// Read buffers go in at one end with ``append(_:)``. At the other end the session reads what its state calls for:
/// - ``nextLine()`` for command or reply lines,
/// - ``nextContent(_:)`` for mail content after `354`, with the transaction's ``DotStuffing/Decoder``,
/// - ``nextChunk(_:)`` for what follows a BDAT line, with that command's ``ChunkCounter``.
///
/// Each takes exactly the octets that are its own, so that the session changes from one to another in the middle of a
/// buffer, as pipelining (RFC 2920) and chunking (RFC 3030) require. Each returns nil when it needs more octets.
/// Slices that are returned are views of the read buffer: use them before the next ``append(_:)``, or copy them.
///
/// Only CRLF ends a line. The time taken is linear in the octets appended however they are cut, and what is kept
/// between two calls of ``append(_:)`` is at most a line of ``limit`` octets, if the caller reads until nil.
package struct LineFramer: Sendable {
    /// For commands without AUTH: the 512 octets of RFC 5321 §4.5.3.1.4 and what the extensions that we offer add.
    ///
    /// MAIL: SIZE 26, BODY 16, SMTPUTF8 10, REQUIRETLS 11, RET and ENVID 117, AUTH 500; RCPT: NOTIFY 28, ORCPT 507.
    package static let commandLimit = 2_048
    /// For AUTH and its continuation lines (RFC 4954 §4: 12,288 octets with the CRLF).
    package static let authenticationLimit = 12_288
    /// For replies, as a client: servers are held to 512 octets (RFC 5321 §4.5.3.1.5), and some are not.
    package static let replyLimit = 2_000

    /// The longest line that is accepted, in octets with its CRLF, at least 2.
    ///
    /// May change between lines.
    package var limit: Int

    private var storage: [UInt8] = []
    /// Where the unread octets begin in `storage`.
    private var start = 0
    /// Octets of `storage` before this one hold no CR and no LF behind `start`: they need not be looked at again.
    private var scanned = 0
    /// Whether we are inside a line that was reported as faulty.
    private var isPassingOver = false
    /// While passing over: whether the octet before `start` was a CR.
    private var followsCarriageReturn = false

    package init(limit: Int = Self.commandLimit) {
        self.limit = limit
    }

    /// Whether octets are waiting that no one has asked for.
    ///
    /// True after a command that must be the last of its group (EHLO, DATA, STARTTLS, AUTH, QUIT: RFC 2920 §3.1), or
    /// before the greeting, it means a peer who does not wait for replies.
    package var hasUnread: Bool { self.start < self.storage.count }

    /// Takes a read buffer.
    package mutating func append(_ octets: [UInt8]) {
        if self.start == self.storage.count {
            // The usual case: everything was read, and the new buffer is taken over without a copy.
            self.storage = octets
            self.start = 0
            self.scanned = 0
            return
        }
        // Moving the unread part costs its length, and is paid for by the at least as many octets that it frees.
        if self.start >= self.storage.count - self.start {
            self.storage.removeSubrange(..<self.start)
            self.scanned -= self.start
            self.start = 0
        }
        self.storage += octets
    }

    /// Forgets everything that was received: what came in clear text must not be read after STARTTLS (RFC 3207 §4.2).
    package mutating func reset() {
        self = Self(limit: self.limit)
    }

    /// The next complete line without its CRLF, or nil when more octets are needed.
    ///
    /// - Throws: ``LineFault``, once per faulty line and at the first octet that decides it, so that the outcome does
    ///   not depend on how the octets were cut into buffers. The next call goes on behind that line's CRLF.
    package mutating func nextLine() throws(LineFault) -> ArraySlice<UInt8>? {
        guard self.passOver() else { return nil }
        // The CR must be among the first `limit - 1` octets. Only these are searched, so the order of octets decides.
        let searched = max(self.limit, 2) - 1
        let window = self.start + min(self.storage.count - self.start, searched)
        var index = self.scanned
        while index < window {
            switch self.storage[index] {
            case .lineFeed:
                throw self.fault(.bareLineFeed, resumingAt: index + 1)
            case .carriageReturn:
                guard index + 1 < self.storage.count else {
                    self.scanned = index
                    return nil
                }
                guard self.storage[index + 1] == .lineFeed else {
                    throw self.fault(.bareCarriageReturn, resumingAt: index + 1)
                }
                let line = self.storage[self.start..<index]
                self.advance(to: index + 2)
                return line
            default:
                index += 1
            }
        }
        if index - self.start >= searched { throw self.fault(.tooLong, resumingAt: index) }
        self.scanned = index
        self.releaseIfRead()
        return nil
    }

    /// The next run of mail content, or its end, or nil when more octets are needed.
    ///
    /// After the end, what follows stays unread for ``nextLine()``.
    package mutating func nextContent(_ decoder: inout DotStuffing.Decoder) -> DotStuffing.Event? {
        var unread = self.storage[self.start...]
        let event = decoder.decode(&unread)
        self.advance(to: unread.startIndex)
        if event == nil { self.releaseIfRead() }
        return event
    }

    /// The next run of a chunk; nil when the chunk is complete or more octets are needed (``ChunkCounter/isComplete``).
    package mutating func nextChunk(_ counter: inout ChunkCounter) -> ArraySlice<UInt8>? {
        var unread = self.storage[self.start...]
        let run = counter.take(from: &unread)
        self.advance(to: unread.startIndex)
        if run == nil { self.releaseIfRead() }
        return run
    }

    private mutating func advance(to index: Int) {
        self.start = index
        self.scanned = index
    }

    /// An idle session holds no buffer.
    private mutating func releaseIfRead() {
        guard self.start == self.storage.count, self.start > 0 else { return }
        self.storage = []
        self.advance(to: 0)
    }

    private mutating func fault(_ fault: LineFault, resumingAt index: Int) -> LineFault {
        self.advance(to: index)
        self.isPassingOver = true
        self.followsCarriageReturn = false
        return fault
    }

    /// Skips what is left of a faulty line; whether a new line may begin.
    private mutating func passOver() -> Bool {
        guard self.isPassingOver else { return true }
        var index = self.start
        while index < self.storage.count {
            let octet = self.storage[index]
            index += 1
            if octet == .lineFeed, self.followsCarriageReturn {
                self.isPassingOver = false
                self.advance(to: index)
                return true
            }
            self.followsCarriageReturn = octet == .carriageReturn
        }
        self.advance(to: index)
        self.releaseIfRead()
        return false
    }
}
