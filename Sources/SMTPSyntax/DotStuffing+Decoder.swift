// SPDX-License-Identifier: Apache-2.0

extension DotStuffing {
    /// Reads dot-stuffed content: a state machine over octets that yields it in the longest runs there are.
    ///
    /// Use one per message. A fault is remembered (``fault``), and from there on content is swallowed, not yielded, up
    /// to its genuine end, where ``Event/refused(_:)`` is reported in place of ``Event/end``; a caller that would
    /// rather close at once looks at ``fault`` after each buffer. Nothing is buffered: a line may be of any length.
    package struct Decoder: Hashable, Sendable {
        /// What to do with an LF that follows no CR.
        package enum BareLineFeeds: Hashable, Sendable {
            /// ``Fault/bareLineFeed``.
            case refused
            /// Becomes CRLF in the content, but never part of the end: CRLF "." CRLF alone is that. For clients that
            /// are known and authenticated only.
            case normalised
        }

        /// Octets of content so far: without stuffing and without the final dot line (RFC 1870 §5).
        package private(set) var octetCount = 0
        /// The longest line so far, in octets without its CRLF.
        ///
        /// RFC 5321 §4.5.3.1.6 allows 998.
        package private(set) var longestLine = 0
        /// The first fault, as soon as it was seen.
        package private(set) var fault: Fault?
        /// Whether the end has been reported.
        ///
        /// Nothing is taken from then on.
        package var isFinished: Bool { self.state == .finished }

        private enum State: Hashable {
            /// Behind CRLF, or at the very beginning: the CRLF of the DATA command counts as one.
            case lineStart
            /// Behind an LF that was normalised: a line start, but not one that the end may follow.
            case looseLineStart
            case text
            /// Behind a CR that has been yielded.
            case carriageReturn
            /// Behind a dot at the start of a line, which has not been yielded.
            case dot(afterCRLF: Bool)
            /// Behind a dot and a CR, neither of which has been yielded.
            case dotCarriageReturn
            case finished
        }

        private static let dot: ArraySlice<UInt8> = [.dot]
        private static let crlf: ArraySlice<UInt8> = [.carriageReturn, .lineFeed]

        private let bareLineFeeds: BareLineFeeds
        private var state = State.lineStart
        private var lineLength = 0
        /// A CRLF is due that is not in the input.
        private var owesLineEnd = false

        package init(bareLineFeeds: BareLineFeeds = .refused) {
            self.bareLineFeeds = bareLineFeeds
        }

        /// Removes from `unread` the octets of the next event and returns it; nil when more octets are needed.
        package mutating func decode(_ unread: inout ArraySlice<UInt8>) -> Event? {
            if self.owesLineEnd {
                self.owesLineEnd = false
                if let event = self.yield(Self.crlf) { return event }
            }
            while let octet = unread.first {
                switch self.state {
                case .lineStart, .looseLineStart, .text, .carriageReturn:
                    if let event = self.decodeRun(&unread) { return event }
                case .dot(let afterCRLF):
                    if let event = self.decodeBehindDot(octet, afterCRLF: afterCRLF, &unread) { return event }
                case .dotCarriageReturn:
                    if octet == .lineFeed {
                        unread.removeFirst()
                        self.state = .finished
                        return self.fault.map { .refused($0) } ?? .end
                    }
                    // Not the end: a CR like any other, and one without LF.
                    self.state = .carriageReturn
                case .finished:
                    return nil
                }
            }
            return nil
        }

        /// Decides what a dot at the start of a line was.
        ///
        /// `octet`, which follows it, is still in `unread`.
        private mutating func decodeBehindDot(
            _ octet: UInt8,
            afterCRLF: Bool,
            _ unread: inout ArraySlice<UInt8>
        ) -> Event? {
            if octet == .carriageReturn, afterCRLF {
                unread.removeFirst()
                self.state = .dotCarriageReturn
                return nil
            }
            // Any other line loses its dot.
            self.state = .text
            // QUIRK: a line of one dot that one of its two line ends keeps from being the end stays as it is.
            let isWholeLine = octet == .lineFeed || octet == .carriageReturn
            return isWholeLine && self.bareLineFeeds == .normalised ? self.yield(Self.dot) : nil
        }

        /// Takes octets up to the next dot at a line start, the next fault, or the end of `unread`.
        private mutating func decodeRun(_ unread: inout ArraySlice<UInt8>) -> Event? {
            let start = unread.startIndex
            let end = unread.endIndex
            var index = start
            while index < end {
                switch self.state {
                case .lineStart where unread[index] == .dot, .looseLineStart where unread[index] == .dot:
                    let run = unread[start..<index]
                    // The run first: the dot is met again, as the first octet, by the next call.
                    if !run.isEmpty, self.fault == nil {
                        unread = unread[index...]
                        return self.yield(run)
                    }
                    unread = unread[(index + 1)...]
                    self.state = .dot(afterCRLF: self.state == .lineStart)
                    return nil
                case .carriageReturn:
                    if unread[index] == .lineFeed {
                        self.endLine()
                        index += 1
                        continue
                    }
                    self.refuse(.bareCarriageReturn)
                    self.state = .text
                default:
                    self.state = .text
                }
                let control = unread.firstLowControl(from: index)
                self.lineLength += control - index
                index = control
                guard index < end else { break }
                switch unread[index] {
                case .carriageReturn:
                    self.state = .carriageReturn
                case .lineFeed:
                    guard self.bareLineFeeds == .refused else {
                        let run = unread[start..<index]
                        unread = unread[(index + 1)...]
                        return self.normaliseLineEnd(after: run)
                    }
                    self.refuse(.bareLineFeed)
                case .nul:
                    self.refuse(.nul)
                default:
                    self.lineLength += 1
                }
                index += 1
            }
            self.longestLine = max(self.longestLine, self.lineLength)
            let run = unread[start...]
            unread = unread[end...]
            return self.yield(run)
        }

        /// Yields `run`, which a bare LF ends, and sees to it that CRLF follows.
        private mutating func normaliseLineEnd(after run: ArraySlice<UInt8>) -> Event? {
            self.endLine()
            self.state = .looseLineStart
            guard let event = self.yield(run) else { return self.yield(Self.crlf) }
            self.owesLineEnd = true
            return event
        }

        private mutating func endLine() {
            self.longestLine = max(self.longestLine, self.lineLength)
            self.lineLength = 0
            self.state = .lineStart
        }

        private mutating func refuse(_ fault: Fault) {
            if self.fault == nil { self.fault = fault }
        }

        /// `run` as an event, unless it is empty or the content is refused already.
        private mutating func yield(_ run: ArraySlice<UInt8>) -> Event? {
            guard self.fault == nil, !run.isEmpty else { return nil }
            self.octetCount += run.count
            return .content(run)
        }
    }
}
