// SPDX-License-Identifier: Apache-2.0

/// What an IMAP session has said, as far as its client may still get it: octets, each with its place in the whole of what
/// was said.
///
/// Octets are lent to a response. Of a client that does not acknowledge, they are gone when the response was written, and
/// come again when it was not. A client that acknowledges (`Bridge-Ack`) has them kept until it says that it has them, and
/// can ask for them again; of these the latest ``keptLimit`` are kept.
struct OutputWindow: Sendable {
    /// Octets for a response.
    struct Loan: Sendable, Equatable {
        /// Which loan it is, for ``OutputWindow/settle(_:isDelivered:)``.
        let number: Int
        /// The place of the first octet.
        let first: UInt64
        let octets: [UInt8]

        /// The places of the first and the last octet, as `Bridge-Offset` has them.
        var places: String { "\(self.first)-\(self.first + UInt64(self.octets.count) - 1)" }
    }

    /// What a response may hold.
    struct Rules: Sendable {
        /// The most octets.
        var limit = OutputWindow.keptLimit
        /// Not to end within a character of UTF-8.
        var isUTF8 = false
        /// Not to end within a response of IMAP of at most so many octets.
        var unitLimit = 0
    }

    /// What was handed out is kept for a client that acknowledges, up to so many octets; and the most of one response.
    static let keptLimit = 1 << 20

    private var kept: [UInt8] = []
    /// Of ``kept``, how many at its beginning are not kept any more.
    private var gone = 0
    /// The place of the first octet that is kept.
    private(set) var first: UInt64 = 0
    /// The place of the first octet that is not in anybody's hands.
    private(set) var next: UInt64 = 0
    /// Whether the client acknowledges.
    private(set) var isAcknowledging = false
    private var loan: (number: Int, first: UInt64)?
    private var lastNumber = 0
    /// Where lines end, at ``first``.
    private var lines = IMAPLines()

    /// The place behind the last octet.
    var end: UInt64 { self.first + UInt64(self.kept.count - self.gone) }
    /// Octets that the client has not got: those that are lent, too.
    var waitingCount: Int { Int(self.end - (self.loan?.first ?? self.next)) }
    var isLent: Bool { self.loan != nil }
    /// Whether all was handed out, and nobody is being given anything.
    var isExhausted: Bool { self.loan == nil && self.next == self.end }
    /// Whether nothing is kept.
    var isEmpty: Bool { self.loan == nil && self.first == self.end }

    mutating func append(_ octets: [UInt8]) { self.kept += octets }

    /// Lends what is there; nil if there is nothing that may be sent now.
    ///
    /// While a response is being written, a second one has to wait: should the first one fail, its octets come before all
    /// others. With `isLast` also what is not complete is lent.
    mutating func lend(_ rules: Rules, isLast: Bool) -> Loan? {
        guard self.loan == nil, self.next < self.end else { return nil }
        let start = self.gone + Int(self.next - self.first)
        let count = self.count(from: start, rules, isLast: isLast)
        guard count > 0 else { return nil }
        self.lastNumber += 1
        let loan = Loan(number: self.lastNumber, first: self.next, octets: Array(self.kept[start..<start + count]))
        self.loan = (loan.number, loan.first)
        self.next += UInt64(count)
        return loan
    }

    /// How many octets from the index on may be sent.
    private func count(from start: Int, _ rules: Rules, isLast: Bool) -> Int {
        let available = self.kept.count - start
        var count = min(available, rules.limit)
        if isLast, count == available { return count }
        if rules.unitLimit > 0 {
            var lines = self.lines
            lines.append(self.kept[self.gone..<start])
            let isInside = !lines.isAtLineStart
            let complete = lines.append(self.kept[start..<start + count])
            let (size, isHuge) = lines.announcedCount.addingReportingOverflow(UInt64(count - complete))
            if complete > 0 {
                count = complete
            } else if !isInside, !isHuge, size <= UInt64(rules.unitLimit), count == available {
                return 0
            }
        }
        guard rules.isUTF8 else { return count }
        let cut = UTF8Boundary.incompleteCount(Array(self.kept[start..<start + count].suffix(3)))
        // A client that wants less than a character at a time gets it.
        return cut == count && count < available ? count : count - cut
    }

    /// Says whether the response with a loan was written completely; if not, its octets come first in the next one.
    ///
    /// A loan that was given out again means nothing.
    mutating func settle(_ number: Int, isDelivered: Bool) {
        guard let loan = self.loan, loan.number == number else { return }
        self.loan = nil
        if !isDelivered {
            self.next = max(loan.first, self.first)
        } else if self.isAcknowledging {
            let keptLimit = UInt64(Self.keptLimit)
            if self.next - self.first > keptLimit { self.drop(to: self.next - keptLimit) }
        } else {
            self.drop(to: self.next)
        }
    }

    /// The client has everything before `place`, and wants what begins there; false if that is not kept, or was never sent.
    mutating func acknowledge(_ place: UInt64) -> Bool {
        guard self.first...self.next ~= place else { return false }
        self.isAcknowledging = true
        self.loan = nil
        self.drop(to: place)
        self.next = place
        return true
    }

    /// Forgets everything.
    mutating func removeAll() {
        self.loan = nil
        self.drop(to: self.end)
        self.next = self.end
    }

    private mutating func drop(to place: UInt64) {
        let count = Int(place - self.first)
        self.lines.append(self.kept[self.gone..<self.gone + count])
        self.gone += count
        self.first = place
        // Moving the rest costs its length, and is paid for by at least as many that are dropped.
        guard self.gone >= self.kept.count - self.gone else { return }
        self.kept.removeSubrange(..<self.gone)
        self.gone = 0
    }
}
