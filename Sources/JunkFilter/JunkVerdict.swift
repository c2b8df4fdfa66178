// SPDX-License-Identifier: Apache-2.0

/// What an account has found about a domain that was shown to have sent the messages.
package enum Reputation: String, Sendable, Hashable, CaseIterable {
    case good, mixed, bad

    /// Lessons before a domain has a good reputation; and a bad one, which can put into Junk what its words would not.
    static let (leastForGood, leastForBad) = (3, 10)

    /// What lessons about a domain come to: good or bad if nine of ten are, and mixed, which counts for nothing, if not, or if there
    /// are too few.
    package init(_ lessons: LessonCounts) {
        let (junk, wanted) = (lessons.junk, lessons.wanted)
        if junk + wanted >= Self.leastForGood, wanted >= 9 * junk {
            self = .good
        } else {
            self = junk + wanted >= Self.leastForBad && junk >= 9 * wanted ? .bad : .mixed
        }
    }
}

/// What an account knows about the author of a message, apart from what the message says.
///
/// Only for messages whose author's domain was shown to have sent them: what anybody can write into From counts for nothing.
package struct AuthorStanding: Sendable, Hashable {
    /// The domain.
    package let domain: String
    package let lessons: LessonCounts
    /// Whether the account has written to that very address.
    package let isCorrespondent: Bool

    package init(domain: String, lessons: LessonCounts, isCorrespondent: Bool) {
        self.domain = domain
        self.lessons = lessons
        self.isCorrespondent = isCorrespondent
    }

    package var reputation: Reputation { Reputation(self.lessons) }
}

/// Where a message goes, and why.
package struct JunkVerdict: Sendable, Hashable {
    /// Junk goes into the mailbox for it, everything else into INBOX.
    package let likeness: Likeness
    package let content: Classifier.Result
    /// Nil: nobody has shown who sent it.
    package let author: AuthorStanding?

    package init(content: Classifier.Result, author: AuthorStanding?) {
        self.content = content
        self.author = author
        self.likeness = Self.likeness(
            content.likeness,
            author?.reputation ?? .mixed,
            isCorrespondent: author?.isCorrespondent ?? false
        )
    }

    package var isJunk: Bool { self.likeness == .junk }

    /// The rule.
    ///
    /// Words alone decide where nobody is known. Whom the account has written to is never junk. A good reputation keeps a
    /// message out of Junk whatever its words, and a bad one puts it there unless its words are those of wanted mail: both
    /// move it by one step, so that neither decides against all words.
    ///
    ///                    words of junk   neither   words of wanted mail
    ///     correspondent  wanted          wanted    wanted
    ///     good           unsure          wanted    wanted
    ///     mixed, none    junk            unsure    wanted
    ///     bad            junk            junk      unsure
    package static func likeness(_ words: Likeness, _ reputation: Reputation, isCorrespondent: Bool) -> Likeness {
        switch (isCorrespondent, reputation, words) {
        case (true, _, _): .wanted
        case (_, .good, .junk): .unsure
        case (_, .good, _): .wanted
        case (_, .mixed, let words): words
        case (_, .bad, .wanted): .unsure
        case (_, .bad, _): .junk
        }
    }
}
