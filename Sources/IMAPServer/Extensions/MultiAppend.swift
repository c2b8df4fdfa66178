// SPDX-License-Identifier: Apache-2.0

/// MULTIAPPEND, RFC 3502: several messages with one APPEND, all or none.
///
/// The syntax is that of ``AppendMessages``, the messages wait in ``MessageAssembly``, and the store adds all of them in
/// one transaction.
enum MultiAppend: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["MULTIAPPEND"] }
}
