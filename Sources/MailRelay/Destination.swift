// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// What attempts, limits and back-off are counted by: all mail for one destination takes the same way.
enum Destination: Hashable, Sendable {
    /// In lower case; an address literal with its brackets.
    case domain(String)
    /// The host that all mail goes through.
    case smarthost

    /// For logs.
    var description: String {
        switch self {
        case .domain(let name): name
        case .smarthost: "smarthost"
        }
    }

    /// Where a recipient's mail goes.
    init(_ recipient: RemoteRecipient, _ options: RelayService.Options) {
        self = options.smarthost == nil ? .domain(recipient.domain) : .smarthost
    }
}

/// The part of a queue entry that goes to one destination: never attempted twice at once.
struct Consignment: Hashable, Sendable {
    let entry: QueueEntryID
    let destination: Destination
}
