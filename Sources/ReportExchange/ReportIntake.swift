// SPDX-License-Identifier: Apache-2.0

import DomainReports
import MailStorage
import SenderAuthentication

/// What becomes of a message that another server has brought, as far as reports go.
package struct ReportIntake: Sendable {
    /// Nil: nothing is counted, or nothing is read.
    private let collector: ReportCollector?
    private let reader: ReportReader?

    package init(collector: ReportCollector?, reader: ReportReader?) {
        self.collector = collector
        self.reader = reader
    }

    /// Returns at once.
    ///
    /// - Parameters:
    ///   - message: nil if it was refused for what was found out.
    ///   - verdict: what was found out about who sent it.
    ///   - isJunk: it went to Junk.
    package func take(_ message: StagedMessage?, _ verdict: AuthenticationVerdict, isJunk: Bool) {
        if let message {
            self.reader?.take(message, verdict)
            // A report that is what it says is not reported: two servers would never stop telling each other of the last one.
            if ReportAttachment(message.summary) != nil, verdict.dmarc.result == .pass { return }
        }
        guard let tally = AggregateTally(verdict, isJunk: isJunk, isRefused: message == nil) else { return }
        self.collector?.count(tally)
    }
}
