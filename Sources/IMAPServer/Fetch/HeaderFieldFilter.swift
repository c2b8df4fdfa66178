// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Picks fields out of a header while it passes by; pieces may be cut anywhere, and nothing is kept but a name.
///
/// Fields come out in their order and unmodified, and behind them the header's empty line, if it has one
/// (RFC 9051 §6.4.5.1). Names compare without regard to the case of ASCII letters; a line that is no field has no name
/// and so is none of those wanted.
struct HeaderFieldFilter: Sendable {
    private enum State {
        case lineStart
        /// After a CR that began a line.
        case carriageReturn
        /// In what may be a wanted name.
        case name
        /// In the white space that obsolete syntax allows behind it.
        case blanks
        /// In the rest of a line that is decided.
        case line
        /// Behind the empty line.
        case end
    }

    private static let lf = UInt8(ascii: "\n")
    private static let cr = UInt8(ascii: "\r")
    private static let colon = UInt8(ascii: ":")
    /// More white space than a line may have does not end in a colon.
    private static let blankLimit = 998

    /// In lower case.
    private let names: Set<[UInt8]>
    private let longestName: Int
    private let isMatching: Bool
    private var state = State.lineStart
    /// The beginning of a line that is not decided.
    private var held: [UInt8] = []
    /// Whether the field of the last line is wanted; its continuation lines are too.
    private var isKept: Bool

    /// Picks the fields of these names, or, unless `isMatching`, those of all others.
    init(_ names: [[UInt8]], isMatching: Bool) {
        self.names = Set(names.map { Octets.lowercased($0) })
        self.longestName = self.names.reduce(0) { max($0, $1.count) }
        self.isMatching = isMatching
        self.isKept = !isMatching
    }

    /// Appends what is wanted of the next octets.
    mutating func filter(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var index = octets.startIndex
        while index < octets.endIndex {
            let octet = octets[index]
            switch self.state {
            case .lineStart:
                switch octet {
                case Self.lf:
                    output.append(octet)
                    self.state = .end
                case Self.cr: self.hold(octet, .carriageReturn)
                case _ where Self.isBlank(octet):
                    self.state = .line
                    continue
                default:
                    self.state = .name
                    continue
                }
            case .carriageReturn:
                guard octet == Self.lf else {
                    self.decide(false, &output)
                    continue
                }
                output.append(contentsOf: [Self.cr, Self.lf])
                self.state = .end
            case .name:
                guard Self.isNameCharacter(octet), self.held.count < self.longestName else {
                    if self.names.contains(Octets.lowercased(self.held)) {
                        self.state = .blanks
                    } else {
                        self.decide(false, &output)
                    }
                    continue
                }
                self.held.append(octet)
            case .blanks:
                guard Self.isBlank(octet), self.held.count < self.longestName + Self.blankLimit else {
                    self.decide(octet == Self.colon, &output)
                    continue
                }
                self.held.append(octet)
            case .line:
                let lineFeed = octets[index...].firstIndex(of: Self.lf)
                let end = lineFeed.map { $0 + 1 } ?? octets.endIndex
                if self.isKept { output.append(contentsOf: octets[index..<end]) }
                if lineFeed != nil { self.state = .lineStart }
                index = end
                continue
            case .end:
                return
            }
            index += 1
        }
    }

    /// Ends the header: what was held back comes out.
    mutating func finish(into output: inout [UInt8]) {
        if !self.held.isEmpty, self.state != .end { self.decide(false, &output) }
    }

    private mutating func hold(_ octet: UInt8, _ state: State) {
        self.held.append(octet)
        self.state = state
    }

    private mutating func decide(_ isWanted: Bool, _ output: inout [UInt8]) {
        self.isKept = isWanted == self.isMatching
        if self.isKept { output.append(contentsOf: self.held) }
        self.held.removeAll(keepingCapacity: true)
        self.state = .line
    }

    private static func isBlank(_ octet: UInt8) -> Bool { octet == UInt8(ascii: " ") || octet == UInt8(ascii: "\t") }

    /// `ftext`, RFC 5322 §3.6.8.
    private static func isNameCharacter(_ octet: UInt8) -> Bool { 0x21...0x7E ~= octet && octet != Self.colon }
}
