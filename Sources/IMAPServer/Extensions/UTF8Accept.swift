// SPDX-License-Identifier: Apache-2.0

/// UTF8=ACCEPT, RFC 6855: UTF-8 in quoted strings, mailbox names and the header fields of messages.
///
/// UTF-8 is understood from everybody; a client is told in it once it has enabled this, or IMAP4rev2. Until then messages
/// whose header fields are in UTF-8 are refused (RFC 6855 §4): see ``MessageAssembly``. Only a server that has this must
/// refuse them: where the settings withhold it, for moving old mail here, they are taken. Octets that are neither ASCII
/// nor UTF-8 are taken in any case: they are no internationalized header fields, but old mail.
enum UTF8Accept: IMAPExtension {
    static let capability = "UTF8=ACCEPT"

    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : [Self.capability] }
    static var enables: EnabledFeature? { .utf8Accept }
}
