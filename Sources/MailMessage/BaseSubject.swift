// SPDX-License-Identifier: Apache-2.0

/// A subject without what replying and forwarding add to it: what SORT and THREAD compare (RFC 5256 §2.1).
package struct BaseSubject: Hashable, Sendable {
    /// The base subject, case as it was.
    package let text: String
    /// Whether a `Re:`, `Fwd:` or `(fwd)` was removed: "a reply or forward" for THREAD=REFERENCES (RFC 5256 §3).
    package let isReplyOrForward: Bool

    /// Takes the value of a `Subject` field.
    ///
    ///     subject      = *subj-leader [subj-middle] *subj-trailer
    ///     subj-refwd   = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
    ///     subj-blob    = "[" *BLOBCHAR "]" *WSP
    ///     subj-fwd     = "[fwd:" subject "]"
    ///     subj-leader  = (*subj-blob subj-refwd) / WSP
    ///     subj-trailer = "(fwd)" / WSP
    ///
    /// The steps of the section in its order, on indices that only move inwards: linear.
    package init(_ subject: ArraySlice<UInt8>) {
        // (1) Decode, and make one space of every white space.
        var octets: [UInt8] = []
        for octet in EncodedWord.decode(subject).utf8 {
            let isSpace = Octets.isWhitespace(octet)
            if !isSpace {
                octets.append(octet)
            } else if octets.last != Octets.space {
                octets.append(Octets.space)
            }
        }
        var rest = octets[...]
        var isReplyOrForward = false
        while true {
            // (2)
            isReplyOrForward = BaseSubject.removeTrailers(&rest) || isReplyOrForward
            // (3), (4), (5)
            isReplyOrForward = BaseSubject.removeLeaders(&rest) || isReplyOrForward
            // (6)
            guard rest.count >= 6, rest.last == UInt8(ascii: "]"),
                Octets.equal(rest.prefix(5), ignoringCaseOf: "[fwd:")
            else { break }
            rest = rest.dropFirst(5).dropLast()
            isReplyOrForward = true
        }
        self.text = String(decoding: rest, as: UTF8.self)
        self.isReplyOrForward = isReplyOrForward
    }

    package init(_ subject: [UInt8]) {
        self.init(subject[...])
    }

    /// Removes `*subj-trailer`; true if a "(fwd)" was among it.
    private static func removeTrailers(_ rest: inout ArraySlice<UInt8>) -> Bool {
        var isForward = false
        while true {
            if rest.last == Octets.space {
                rest = rest.dropLast()
            } else if Octets.equal(rest.suffix(5), ignoringCaseOf: "(fwd)") {
                rest = rest.dropLast(5)
                isForward = true
            } else {
                return isForward
            }
        }
    }

    /// Removes leaders and blobs until there are none; true if a subj-refwd was among them.
    private static func removeLeaders(_ rest: inout ArraySlice<UInt8>) -> Bool {
        var isReply = false
        while true {
            if rest.first == Octets.space {
                rest = rest.dropFirst()
                continue
            }
            // All blobs in a row, with where the last of them begins. If no refwd follows them, none follows a part of
            // them, so that they need not be looked at again.
            var behindBlobs = rest
            var lastBlob = rest
            while let next = self.afterBlob(behindBlobs) {
                lastBlob = behindBlobs
                behindBlobs = next
            }
            if let next = self.afterReply(behindBlobs) {
                rest = next
                isReply = true
                continue
            }
            // (4): a blob stays if nothing would be left.
            rest = behindBlobs.isEmpty ? lastBlob : behindBlobs
            return isReply
        }
    }

    private static func afterBlob(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.first == UInt8(ascii: "[") else { return nil }
        let content = rest.dropFirst()
        let end = content.firstIndex { octet in octet == UInt8(ascii: "[") || octet == UInt8(ascii: "]") }
        guard let end, content[end] == UInt8(ascii: "]") else { return nil }
        return content[(end + 1)...].drop { octet in octet == Octets.space }
    }

    private static func afterReply(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let word = rest.prefix { octet in Octets.isLetter(octet) }
        guard
            Octets.equal(word, ignoringCaseOf: "re") || Octets.equal(word, ignoringCaseOf: "fw")
                || Octets.equal(word, ignoringCaseOf: "fwd")
        else { return nil }
        var after = rest.dropFirst(word.count).drop { octet in octet == Octets.space }
        after = self.afterBlob(after) ?? after
        return after.first == Octets.colon ? after.dropFirst() : nil
    }
}
