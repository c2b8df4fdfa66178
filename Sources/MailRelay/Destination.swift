// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// What attempts, limits and back-off are counted by: all mail for one destination takes the same way.
package enum Destination: Hashable, Sendable {
    /// In lower case; an address literal with its brackets.
    case domain(String)
    /// The host of the rule with this number (``RelayService/Options/smarthosts``).
    case smarthost(Int)

    /// For logs.
    var description: String {
        switch self {
        case .domain(let name): name
        case .smarthost(let number): number == 0 ? "smarthost" : "smarthost \(number + 1)"
        }
    }

    /// Where a recipient's mail goes that comes from this reverse-path.
    init(_ recipient: RemoteRecipient, from reversePath: String, _ options: RelayService.Options) {
        // Both spellings of a domain are one destination.
        let domain = Punycode.aLabels(of: recipient.domain) ?? recipient.domain
        let rule = options.smarthosts.firstIndex { $0.applies(to: domain, from: reversePath) }
        if let rule, options.smarthosts[rule].smarthost != nil {
            self = .smarthost(rule)
        } else {
            self = .domain(domain)
        }
    }
}

/// The part of a queue entry that goes to one destination: never attempted twice at once.
package struct Consignment: Hashable, Sendable {
    let entry: QueueEntryID
    let destination: Destination
}
