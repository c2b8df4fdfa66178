// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@testable import IMAPServer

/// What transcripts cannot bring about: mailboxes with a special use below others.
@Suite("RFC 9051 §6.3.9.6, RFC 6154 §3 CHILDINFO") struct MailboxTreeTests {
    @Test(
        "it names the options that selected",
        arguments: [
            (ListCommand.Selection(isSubscribed: true), #" ("CHILDINFO" ("SUBSCRIBED"))"#),
            (ListCommand.Selection(hasSpecialUse: true), #" ("CHILDINFO" ("SPECIAL-USE"))"#),
            (
                ListCommand.Selection(isSubscribed: true, hasSpecialUse: true),
                #" ("CHILDINFO" ("SUBSCRIBED" "SPECIAL-USE"))"#
            ),
            (ListCommand.Selection(), ""),
        ]
    )
    func criteria(_ selection: ListCommand.Selection, _ expected: String) throws {
        var writer = ResponseWriter()
        writer.list([], name: try MailboxName("Work"), childInfo: selection.criteria)
        #expect(text(writer.take()) == "* LIST () \"/\" Work\(expected)\r\n")
    }
}
