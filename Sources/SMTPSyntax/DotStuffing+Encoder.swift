// SPDX-License-Identifier: Apache-2.0

extension DotStuffing {
    /// Writes content for the wire: canonical line ends, dots stuffed, and the end of content.
    ///
    /// Content may come from where SMTP's rules do not hold (IMAP APPEND, BDAT, HTTP). Whatever it is, at whatever
    /// places it is cut, the wire holds no CR or LF on its own and no NUL: a lone CR and a lone LF each become CRLF, a
    /// NUL is left out, and a missing CRLF at the end is added. Dots are stuffed by the lines of the *result*.
    /// A NUL is dropped rather than sent, because a receiver that drops it itself reads CRLF NUL "." CRLF as the end.
    package struct Encoder: Hashable, Sendable {
        /// What the content is written for.
        package enum Transfer: Hashable, Sendable {
            /// After `354`: dots are stuffed and CRLF "." CRLF closes it.
            case data
            /// For BDAT chunks, and for what a signature is made over: canonical line ends only.
            case chunks
        }

        /// Whether the content so far was canonical, so that signatures over it hold on the wire.
        ///
        /// Ask after ``finish(into:)``.
        package private(set) var isUnaltered = true

        private let transfer: Transfer
        private var isAtLineStart = true
        /// The last octet was a CR, and CRLF was written for it.
        private var followsCarriageReturn = false

        package init(for transfer: Transfer = .data) {
            self.transfer = transfer
        }

        /// Appends `content` to `wire`.
        package mutating func encode(_ content: ArraySlice<UInt8>, into wire: inout [UInt8]) {
            var index = content.startIndex
            guard index < content.endIndex else { return }
            if self.followsCarriageReturn {
                self.followsCarriageReturn = false
                if content[index] == .lineFeed { index += 1 } else { self.isUnaltered = false }
            }
            // What lies between `written` and `index` goes out as it is.
            var written = index
            while index < content.endIndex {
                if self.isAtLineStart, content[index] == .dot, self.transfer == .data {
                    wire += content[written..<index]
                    wire.append(.dot)
                    written = index
                }
                let control = content.firstLowControl(from: index)
                if control > index { self.isAtLineStart = false }
                index = control
                guard index < content.endIndex else { break }
                switch content[index] {
                case .carriageReturn where index + 1 < content.endIndex && content[index + 1] == .lineFeed:
                    self.isAtLineStart = true
                    index += 2
                case .carriageReturn:
                    wire += content[written..<index]
                    self.endLine(into: &wire)
                    index += 1
                    written = index
                    self.followsCarriageReturn = index == content.endIndex
                    if !self.followsCarriageReturn { self.isUnaltered = false }
                case .lineFeed:
                    wire += content[written..<index]
                    self.endLine(into: &wire)
                    index += 1
                    written = index
                    self.isUnaltered = false
                case .nul:
                    wire += content[written..<index]
                    index += 1
                    written = index
                    self.isUnaltered = false
                default:
                    self.isAtLineStart = false
                    index += 1
                }
            }
            wire += content[written...]
        }

        /// Ends the last line if the content did not, and for ``Transfer/data`` the content itself.
        ///
        /// Call it once.
        package mutating func finish(into wire: inout [UInt8]) {
            if self.followsCarriageReturn || !self.isAtLineStart { self.isUnaltered = false }
            if !self.isAtLineStart { self.endLine(into: &wire) }
            if self.transfer == .data { wire += [.dot, .carriageReturn, .lineFeed] }
        }

        private mutating func endLine(into wire: inout [UInt8]) {
            wire.append(.carriageReturn)
            wire.append(.lineFeed)
            self.isAtLineStart = true
        }
    }
}
