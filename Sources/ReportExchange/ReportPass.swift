// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SenderAuthentication

/// What one pass over all that is due has met so far.
///
/// Whoever has a domain has as many names below it as there are: none of these limits is for a name.
struct ReportPass {
    /// Names of one organization that get reports about one day.
    private static let subjectLimit = 20
    /// Reports that one organization gets in one pass.
    private static let reportLimit = 50

    private struct Share: Hashable {
        let kind: ReportKind
        let day: Int
        let organization: DomainName
    }

    /// Those whose names could not be asked for, or whose web server did not take a report: not again in this pass.
    var failed: Set<DomainName?> = []
    private var subjects: [Share: Int] = [:]
    private var reports: [DomainName?: Int] = [:]

    /// Whether this one is among those that get a report; to be asked once for each.
    ///
    /// All of an organization are due at the same time, so it is enough to count them in a pass.
    mutating func admits(_ subject: ReportSubject, of organization: DomainName) -> Bool {
        let share = Share(kind: subject.kind, day: subject.day, organization: organization)
        self.subjects[share, default: 0] += 1
        return self.subjects[share, default: 0] <= Self.subjectLimit
    }

    func hasRoom(for receiver: DomainName?) -> Bool { self.reports[receiver, default: 0] < Self.reportLimit }

    /// One more for them.
    mutating func count(_ receiver: DomainName?) { self.reports[receiver, default: 0] += 1 }
}
