// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// MODSEQ, RFC 7162 §3.1.5: changed at this mod-sequence or after it.
///
/// A message has one mod-sequence for all its flags, so that of which flag it is to be means nothing.
struct ModSeqKey: SearchKey {
    static let names = ["MODSEQ"]
    private let modSeq: ModSeq

    // search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
    // search-modseq-ext  = SP entry-name SP entry-type-req
    // entry-type-req     = "priv" / "shared" / "all"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        if parser.peek(UInt8(ascii: "\"")) {
            _ = try parser.entryFlagName()
            try parser.sp()
            guard parser.accept(keyword: "PRIV") || parser.accept(keyword: "SHARED") || parser.accept(keyword: "ALL")
            else { throw parser.expected("priv, shared or all") }
            try parser.sp()
        }
        self.modSeq = ModSeq(rawValue: Int64(clamping: try parser.modSequenceValzer()))
    }

    func matches(_ message: SearchedMessage) -> Bool { message.slot.modSeq >= self.modSeq }
}

extension SearchProgram {
    /// Whether mod-sequences are asked for, so that the answer has one (RFC 7162 §3.1.6).
    var hasModSeq: Bool {
        switch self {
        case .all(let programs): programs.contains(where: \.hasModSeq)
        case .any(let first, let second): first.hasModSeq || second.hasModSeq
        case .not(let program): program.hasModSeq
        case .key(let key), .narrowed(let key, _): key is ModSeqKey
        }
    }
}

extension MailboxIndex {
    /// The highest mod-sequence of those of the messages that are there; nil without one.
    func highestModSeq(of uids: [UID]) -> UInt64? {
        uids.lazy.compactMap { self[$0]?.modSeq.rawValue }.max().map { UInt64(clamping: $0) }
    }
}
