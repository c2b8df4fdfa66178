// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// QRESYNC, RFC 7162 §3.2: a client that was away hears of everything that happened in one round trip.
enum Qresync: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["QRESYNC"] }
    static var enables: EnabledFeature? { .qresync }
}

extension Refusal {
    /// RFC 7162 §3.2.3.
    static let qresyncFirst = Refusal("Send ENABLE QRESYNC first", code: .clientBug, isBad: true)
}

/// The messages that a client knew and that were expunged while it was not there (RFC 7162 §3.2.6, §3.2.10.1).
struct EarlierExpunges: Sendable {
    /// Which UIDs it asks about.
    ///
    /// `*` is the last UID there ever was, not the last message: the one expunged last may lie behind that.
    var known: SequenceSet
    /// What `$` stands for.
    var saved = NumberSet()
    /// Up to here it knows of expunges.
    var since: ModSeq
    /// It knows all there is to know up to this UID.
    var beyond: UInt32 = 0

    /// Tells the client whose command this is.
    func write(to output: inout CommandOutput, from store: any MailStore) async throws {
        guard let selected = output.selected else { throw Refusal.noSuchMailbox }
        try await self.write(to: &output, of: selected, from: store)
    }

    /// `* VANISHED (EARLIER) …`, if there is something to tell of the mailbox.
    func write(to output: inout CommandOutput, of selected: SelectedMailbox, from store: any MailStore) async throws {
        let last = selected.uidNext.rawValue - 1
        guard self.beyond < last else { return }
        let asked = self.known.resolve(last: last, saved: self.saved)
            .intersection(NumberSet([self.beyond + 1...last]))
        let expunged = try await store.expunged(in: selected.id, since: self.since).map { ranges in
            NumberSet(ranges.map { $0.lowerBound.rawValue...$0.upperBound.rawValue })
        }
        // Not remembered so far back: everything that is not there.
        let gone = expunged.map { $0.intersection(asked) } ?? asked
        guard !gone.isEmpty else { return }
        // What has gone just now is there for the client: it is told without EARLIER, when that is allowed.
        let vanished = gone.subtracting(NumberSet(ascending: selected.uids))
        try await output.vanishedEarlier(vanished)
    }
}

extension CommandOutput {
    /// Brings a client up to date that knows the mailbox as it was at some mod-sequence (RFC 7162 §3.2.5.1).
    ///
    /// A client that knows another mailbox of that name, by the UIDVALIDITY, hears nothing.
    mutating func write(
        _ resynchronization: QuickResynchronization,
        of selected: SelectedMailbox,
        _ index: MailboxIndex,
        from store: any MailStore,
        isRev2: Bool
    ) async throws {
        guard resynchronization.uidValidity == selected.uidValidity.rawValue else { return }
        let since = ModSeq(rawValue: Int64(clamping: resynchronization.modSequence))
        let known = resynchronization.knownUIDs ?? NumberSet([1...UInt32.max])
        let expunges = EarlierExpunges(
            known: SequenceSet(known),
            since: since,
            beyond: resynchronization.lastMatch(in: selected.uids)
        )
        try await expunges.write(to: &self, of: selected, from: store)
        var changed: [SelectedMailbox.News.Flags] = []
        index.forEachPage { page in
            guard page.highestModSeq > since else { return }
            page.forEach { uid, slot in
                guard slot.modSeq > since, known.contains(uid.rawValue), let number = selected.number(of: uid) else {
                    return
                }
                changed.append(SelectedMailbox.News.Flags(number: UInt32(clamping: number), uid: uid))
            }
        }
        try await self.write(SelectedMailbox.News(flags: changed), of: selected, index, isRev2: isRev2)
    }
}

extension QuickResynchronization {
    /// The last UID up to which the client knows of all expunges: there its sample fits (RFC 7162 §3.2.5.2).
    ///
    /// `uids` are the mailbox's in the order of their numbers; 0 if nothing fits. O(matches · log messages).
    func lastMatch(in uids: [UInt32]) -> UInt32 {
        for match in self.matches.reversed() where match.number <= uids.count {
            // Expunges only ever lessen numbers, so that behind the first pair that does not fit none does.
            let first = Int(match.number) - 1
            var (low, high) = (0, min(Int(match.count), uids.count - first))
            while low < high {
                let middle = (low + high) / 2
                if UInt64(uids[first + middle]) <= UInt64(match.uid) + UInt64(middle) {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            guard low > 0 else { continue }
            let uid = UInt64(match.uid) + UInt64(low - 1)
            if UInt64(uids[first + low - 1]) == uid { return UInt32(clamping: uid) }
        }
        return 0
    }
}

extension ResponseWriter {
    /// Tells which messages are gone, in one response however many there are; nothing if there are none.
    ///
    ///     expunged-resp       =  "VANISHED" [SP "(EARLIER)"] SP known-uids
    mutating func vanished(
        _ uids: NumberSet,
        isEarlier: Bool = false,
        emit: ([UInt8]) async throws -> Void
    ) async throws {
        guard !uids.isEmpty else { return }
        self.raw(isEarlier ? "* VANISHED (EARLIER) " : "* VANISHED ")
        for start in stride(from: 0, to: uids.ranges.count, by: Self.rangesAtOnce) {
            if start > 0 { self.raw(",") }
            let end = min(start + Self.rangesAtOnce, uids.ranges.count)
            self.sequenceSet(NumberSet(Array(uids.ranges[start..<end])))
            if self.octets.count >= CommandOutput.pieceSize { try await emit(self.take()) }
        }
        self.crlf()
    }

    /// The same for a few, at once.
    mutating func vanished(_ uids: NumberSet) {
        guard !uids.isEmpty else { return }
        self.raw("* VANISHED ")
        self.sequenceSet(uids)
        self.crlf()
    }

    private static var rangesAtOnce: Int { 1000 }
}
