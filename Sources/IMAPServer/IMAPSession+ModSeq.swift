// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// How far the client knows its mailbox, for those that keep mod-sequences (RFC 7162).
///
/// A client takes the highest mod-sequence among the FETCH responses before a tagged one for how far it knows
/// everything (§6). Where that would be wrong, because EXPUNGEs or flags with lower ones are held back, it must be told
/// HIGHESTMODSEQ instead; and it is told, so that it need not ask again, where there were EXPUNGEs, which have none.
extension IMAPSession {
    /// Turns on what the client has asked for.
    mutating func enable(_ features: Set<EnabledFeature>) {
        guard !features.isSubset(of: self.view.enabled) else { return }
        let wasCondstore = self.view.isCondstore
        self.view.enabled.formUnion(features)
        self.output.encoding = self.view.nameEncoding
        // §3.1: the first command that enables CONDSTORE while a mailbox is selected.
        if !wasCondstore, self.view.isCondstore, self.view.selected != nil { self.owesHighestModSeq = true }
    }

    /// Whether the client has to be told how far it knows the mailbox, having been told the news.
    func isModSeqDue(after news: SelectedMailbox.News) -> Bool {
        guard self.view.isCondstore, let selected = self.view.selected, !selected.isDeleted else { return false }
        return self.owesHighestModSeq || !news.expunged.isEmpty || selected.isBehind
    }

    /// The code of a tagged OK: the outcome's own, or HIGHESTMODSEQ if that is due and the place is free.
    mutating func codeOfCompletion(_ outcome: Outcome, isModSeqDue: Bool) -> ResponseCode? {
        let isDue = isModSeqDue || outcome.tellsHighestModSeq
        guard isDue, let modSeq = self.view.selected?.knownModSeq else { return outcome.code }
        guard outcome.code == nil, !self.owesHighestModSeq else {
            self.tellHighestModSeq()
            return outcome.code
        }
        return .highestModSeq(modSeq)
    }

    /// `* OK [HIGHESTMODSEQ n]`.
    mutating func tellHighestModSeq() {
        guard let modSeq = self.view.selected?.knownModSeq else { return }
        self.owesHighestModSeq = false
        self.output.untagged(.ok, code: .highestModSeq(modSeq), "Everything up to here is told")
    }
}

extension SelectedMailbox {
    /// ``knownUntil`` as responses have it.
    var knownModSeq: UInt64 { UInt64(clamping: self.knownUntil.rawValue) }
}
