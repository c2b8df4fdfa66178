// SPDX-License-Identifier: Apache-2.0

/// Something a client can find in CAPABILITY: its announcements, and the commands that it brings.
///
/// Whatever is announced follows from a conformance listed in ``ExtensionTable``; there is no second list.
protocol IMAPExtension: Sendable {
    /// What is announced now, for example nothing once TLS is on.
    static func capabilities(_ view: SessionView) -> [String]
    static var commands: [any IMAPCommand.Type] { get }
    /// The data items of FETCH, and the keys of SEARCH, that it brings.
    static var fetchItems: [any FetchItem.Type] { get }
    static var searchKeys: [any SearchKey.Type] { get }
    /// What ENABLE can turn on because of it.
    static var enables: EnabledFeature? { get }
}

extension IMAPExtension {
    static var commands: [any IMAPCommand.Type] { [] }
    static var fetchItems: [any FetchItem.Type] { [] }
    static var searchKeys: [any SearchKey.Type] { [] }
    static var enables: EnabledFeature? { nil }
}
