// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// Who besides recipients and senders is asked whether mail is taken.
package struct FilterPolicy: Sendable {
    /// Addresses about whose mail nobody asks: our own machines'.
    let isExempt: @Sendable (IPAddress) -> Bool
    /// Nil: there are none.
    let lists: DNSLists?
    /// Nil: nobody has to come twice.
    package let greylist: Greylist?
    let milters: [Milter]
    /// What accounts have taught; nil: nobody's mail is judged by that.
    package let junk: (any JunkMemory)?

    package init(
        isExempt: @escaping @Sendable (IPAddress) -> Bool = { _ in false },
        lists: DNSLists? = nil,
        greylist: Greylist? = nil,
        milters: [Milter] = [],
        junk: (any JunkMemory)? = nil
    ) {
        self.isExempt = isExempt
        self.lists = lists
        self.greylist = greylist
        self.milters = milters
        self.junk = junk
    }
}
