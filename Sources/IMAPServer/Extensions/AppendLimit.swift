// SPDX-License-Identifier: Apache-2.0

/// APPENDLIMIT, RFC 7889: the largest message that APPEND takes, the same for all mailboxes.
///
/// STATUS tells it too (``StatusItem/appendLimit``).
enum AppendLimit: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil ? [] : ["APPENDLIMIT=\(view.service.options.messageLimit)"]
    }
}
