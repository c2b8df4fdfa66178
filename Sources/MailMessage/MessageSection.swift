// SPDX-License-Identifier: Apache-2.0

/// What of a part is meant; without one, its body (RFC 9051 §6.4.5.1).
///
/// `HEADER.FIELDS` is `header` and then ``HeaderParser/subset(of:names:matching:)``.
package enum PartSpecifier: Hashable, Sendable {
    /// The header of a message.
    case header
    /// The body of a message.
    case text
    /// The header of a body part.
    case mime
}

extension MessageSummary {
    /// The part with an IMAP part number, such as `[4, 2, 1]`; nil if there is none.
    ///
    ///     section-part = nz-number *("." nz-number)
    ///
    /// The rules of RFC 9051 §6.4.5.1: the parts of a multipart count from 1. A message that is no multipart is its own
    /// part 1. The numbers below a message in a message are those of that message, as if it were the outermost. An
    /// empty path is the message itself.
    package func part(at path: [Int]) -> Part? {
        var part = self.root
        // Whether the next number counts within a message (which may be its own part 1) and not within a body part.
        var isMessage = true
        for number in path {
            if !isMessage, let message = part.message {
                part = message.root
                isMessage = true
            }
            if part.isMultipart {
                guard number >= 1, number <= part.children.count else { return nil }
                part = part.children[number - 1]
            } else {
                guard isMessage, number == 1 else { return nil }
            }
            isMessage = false
        }
        return part
    }

    /// Where a section lies in the message; nil if there is no such section.
    ///
    /// `[] nil` is everything, `[] .header` and `[] .text` are the message's header and body. With a path, `nil` is the
    /// body of that part, `.mime` its header, and `.header` and `.text` are those of the message that the part holds;
    /// of a part that holds none they do not exist. Part 1 of a message without parts has the message's header for its
    /// MIME header.
    package func range(of path: [Int], _ specifier: PartSpecifier? = nil) -> Range<Int>? {
        guard !path.isEmpty else {
            switch specifier {
            case nil: return 0..<self.size
            case .header: return self.root.headerRange
            case .text: return self.root.bodyRange
            case .mime: return nil
            }
        }
        guard let part = self.part(at: path) else { return nil }
        switch specifier {
        case nil: return part.bodyRange
        case .mime: return part.headerRange
        case .header: return part.message?.root.headerRange
        case .text: return part.message?.root.bodyRange
        }
    }
}
