// SPDX-License-Identifier: Apache-2.0

/// CONDSTORE, RFC 7162 §3.1: changes of flags that depend on nobody else having changed them, and what has changed.
///
/// Mod-sequences are the store's own clock, so this is part of the commands it extends: `Store`, `FetchModifiers`,
/// `ModSeqItem`, `ModSeqKey`, `SelectParameters`, `Status`; what clients are told because of it, `IMAPSession+ModSeq`.
enum Condstore: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["CONDSTORE"] }
    static var enables: EnabledFeature? { .condstore }
}
