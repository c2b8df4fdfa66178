// SPDX-License-Identifier: Apache-2.0

/// PARTIAL, RFC 9394: some of the results of SEARCH, SORT (``SearchReturn``) and UID FETCH (``FetchModifiers``).
enum PartialResults: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["PARTIAL"] }
}
