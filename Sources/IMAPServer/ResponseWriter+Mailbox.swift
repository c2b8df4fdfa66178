// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What is told of the selected mailbox, whichever command it is told with.
extension ResponseWriter {
    /// Tells what has changed, in the one order that is right (RFC 9051 §7.4, §7.5): EXPUNGEs from the highest number
    /// down, or one VANISHED, then EXISTS, then RECENT for those who know it, then flags.
    ///
    /// - Parameters:
    ///   - news: what to tell.
    ///   - mailbox: as it is told.
    ///   - index: what `news` was made from; nil if the mailbox has been deleted.
    ///   - isRev2: whether the client speaks IMAP4rev2.
    ///   - isCondstore: whether the client keeps mod-sequences.
    ///   - isQresync: whether the client wants VANISHED instead of EXPUNGE.
    ///   - emit: takes a piece when ``CommandOutput/pieceSize`` is reached: there may be a response for each message.
    /// - Throws: what `emit` throws.
    mutating func write(
        _ news: SelectedMailbox.News,
        of mailbox: SelectedMailbox,
        index: MailboxIndex?,
        isRev2: Bool,
        isCondstore: Bool = false,
        isQresync: Bool = false,
        emit: ([UInt8]) async throws -> Void
    ) async throws {
        var news = news
        if isQresync {
            try await self.vanished(NumberSet(ascending: news.vanished), emit: emit)
            (news.vanished, news.expunged) = ([], [])
        }
        for part in news.shortParts {
            self.write(
                part,
                of: mailbox,
                index: index,
                isRev2: isRev2,
                isCondstore: isCondstore,
                isQresync: isQresync
            )
            if self.octets.count >= CommandOutput.pieceSize { try await emit(self.take()) }
        }
    }

    /// The same for news that are short: all at once.
    mutating func write(
        _ news: SelectedMailbox.News,
        of mailbox: SelectedMailbox,
        index: MailboxIndex?,
        isRev2: Bool,
        isCondstore: Bool = false,
        isQresync: Bool = false
    ) {
        if isQresync {
            self.vanished(NumberSet(ascending: news.vanished))
        } else {
            for number in news.expunged { self.untagged(UInt32(clamping: number), "EXPUNGE") }
        }
        guard let index else { return }
        if let count = news.exists {
            self.untagged(UInt32(clamping: count), "EXISTS")
            if !isRev2 { self.untagged(UInt32(clamping: mailbox.recentCount), "RECENT") }
        }
        if news.hasNewKeywords || news.hasOtherRights {
            self.write(flagsOf: index, changeableWith: mailbox.rightsToChange)
        }
        var lookup = index.lookup
        var lists = FlagLists()
        for flags in news.flags {
            guard let slot = lookup.slot(flags.uid) else { continue }
            self.raw("* ")
            self.number(flags.number)
            // RFC 9051 §7.5.2 demands the UID in what was not asked for; RFC 3501 allows it.
            self.raw(" FETCH (UID ")
            self.number(flags.uid.rawValue)
            if !flags.isModSeqOnly {
                self.raw(" FLAGS ")
                self.append(
                    lists.list(of: slot, in: index, isRecent: !isRev2 && flags.uid >= mailbox.recentFrom)
                )
            }
            if isCondstore {
                self.sp()
                self.modSeq(slot.modSeq)
            }
            self.raw(")\r\n")
        }
    }

    /// Tells which flags there are and which can be kept: `* FLAGS (…)` and `* OK [PERMANENTFLAGS (…)]`.
    ///
    /// Clients drop keywords they were not told of, so this comes again when there are new ones (RFC 9051 §7.3.5), and
    /// when the rights are others (RFC 4314 §5.1.1).
    mutating func write(flagsOf index: MailboxIndex, changeableWith rights: Rights) {
        let flags =
            [.answered, .flagged, .deleted, .seen, .draft] + index.keywords.compactMap { Keyword($0) }.map(Flag.keyword)
        self.raw("* FLAGS ")
        self.flagList(flags)
        self.crlf()
        let permanent = flags.filter { flag in
            let flag = FlagSet([flag])
            return flag.system.isSubset(of: rights.systemFlags)
                && (flag.keywords.isEmpty || rights.contains(.write))
        }
        self.untagged(
            .ok,
            code: .permanentFlags(
                permanent,
                allowsNewKeywords: rights.contains(.write) && index.hasRoomForKeywords
            ),
            permanent.isEmpty ? "No flags can be changed" : "Flags that are kept"
        )
    }

    /// Writes the flags of a message.
    ///
    ///     "(" [flag-fetch *(SP flag-fetch)] ")"
    ///     flag-fetch = flag / obsolete-flag-recent
    mutating func flagList(slot: MailboxPage.Slot, index: MailboxIndex, isRecent: Bool) {
        self.raw("(")
        var isFirst = true
        func write(_ name: String, _ writer: inout ResponseWriter) {
            if !isFirst { writer.sp() }
            isFirst = false
            writer.raw(name)
        }
        for (flag, name) in Self.systemFlags where slot.flags.contains(flag) { write(name, &self) }
        for name in index.keywordNames(slot.keywords) { write(name, &self) }
        if isRecent { write(#"\Recent"#, &self) }
        self.raw(")")
    }

    private static let systemFlags: [(SystemFlags, String)] = [
        (.answered, #"\Answered"#), (.flagged, #"\Flagged"#), (.deleted, #"\Deleted"#), (.seen, #"\Seen"#),
        (.draft, #"\Draft"#),
    ]
}

extension SelectedMailbox.News {
    /// How many responses are written without looking whether a piece is full: no more than 32 KiB or so.
    private static let shortLength = 256

    /// Whether it may be written at once.
    var isShort: Bool { self.expunged.count + self.flags.count <= Self.shortLength }

    /// The same in parts that are short, in the order in which they are to be told; ``vanished`` is not divided.
    fileprivate var shortParts: [SelectedMailbox.News] {
        if self.isShort { return [self] }
        let expunged = Self.slices(self.expunged).map { SelectedMailbox.News(expunged: $0) }
        let middle = SelectedMailbox.News(
            vanished: self.vanished,
            exists: self.exists,
            hasNewKeywords: self.hasNewKeywords,
            hasOtherRights: self.hasOtherRights
        )
        return expunged + [middle] + Self.slices(self.flags).map { SelectedMailbox.News(flags: $0) }
    }

    private static func slices<Element>(_ elements: [Element]) -> [[Element]] {
        stride(from: 0, to: elements.count, by: self.shortLength).map { start in
            Array(elements[start..<min(start + self.shortLength, elements.count)])
        }
    }
}
