// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// Who may import whom: this list *is* the architecture. `LayeringTests` holds the sources to it.

let testing: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
/// Swift Testing's macros do not compile under strict memory safety, so only the product has it.
let strict = testing + [.strictMemorySafety()]

let package = Package(
    name: "letterhouse",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "letterhouse", targets: ["letterhouse"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // System libraries, patched by apt.
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(
            name: "CSystemd",
            pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]
        ),
        // Debian's libunbound.pc asks for libevent's, which nothing here needs; the module map links the library.
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),
        .target(name: "COpenSSLShim", dependencies: ["COpenSSL"]),
        .systemLibrary(
            name: "CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]
        ),

        // Pure: the standard library only.
        .target(name: "MailMessage", swiftSettings: strict),
        .target(name: "IMAPSyntax", swiftSettings: strict),
        .target(name: "SMTPSyntax", swiftSettings: strict),
        .target(name: "MailConnection", swiftSettings: strict),
        .target(name: "JSONSyntax", swiftSettings: strict),
        .target(name: "JunkFilter", dependencies: ["MailMessage"], swiftSettings: strict),
        .target(name: "MailStorage", dependencies: ["MailMessage", "JunkFilter"], swiftSettings: strict),

        // Mechanisms.
        .target(name: "Cryptography", dependencies: ["COpenSSL", "COpenSSLShim"], swiftSettings: strict),
        .target(name: "SASLMechanisms", dependencies: ["Cryptography"], swiftSettings: strict),
        .target(name: "StreamCompression", dependencies: ["CZlib"], swiftSettings: strict),
        .target(
            name: "SenderAuthentication",
            dependencies: ["Cryptography", "MailMessage", "SMTPSyntax"],
            swiftSettings: strict
        ),

        .target(
            name: "DomainReports",
            dependencies: ["JSONSyntax", "MailMessage", "SMTPSyntax", "SenderAuthentication", "StreamCompression"],
            swiftSettings: strict
        ),

        // Engines: no sockets, no SQL.
        .target(
            name: "IMAPServer",
            dependencies: [
                "IMAPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms", "StreamCompression",
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),
        .target(name: "MilterClient", dependencies: ["MailConnection"], swiftSettings: strict),
        .target(
            name: "SMTPServer",
            dependencies: [
                "MilterClient",
                "SMTPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms", "SenderAuthentication",
                "JunkFilter",
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MailRelay",
            dependencies: [
                "SMTPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms", "Cryptography",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),

        .target(
            name: "ReportExchange",
            dependencies: [
                "DomainReports", "MailConnection", "MailStorage", "MailMessage", "SMTPSyntax", "SenderAuthentication",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),

        // Edges: each wraps one outside thing.
        .target(
            name: "SQLiteStorage",
            dependencies: [
                "MailStorage", "MailMessage", "JunkFilter", "Cryptography",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "MailNetwork",
            dependencies: [
                "MailConnection", "Cryptography", "CSystemd", "CUnbound",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "HTTPServer",
            dependencies: [
                "MailConnection", "MailStorage", "MailMessage", "IMAPServer", "SMTPServer", "SMTPSyntax",
                "Cryptography", "JSONSyntax", "SASLMechanisms",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
            ],
            exclude: ["JavaScript/package.json"],
            resources: [
                .embedInCode("JavaScript/letterhouse.js"), .embedInCode("JavaScript/mail.html"),
                .embedInCode("JavaScript/mail.js"), .embedInCode("JavaScript/mail.css"),
            ],
            swiftSettings: strict
        ),

        // The program.
        .executableTarget(
            name: "letterhouse",
            dependencies: [
                "IMAPServer", "SMTPServer", "SMTPSyntax", "MailRelay", "SQLiteStorage", "MailNetwork", "HTTPServer",
                "MailStorage", "MailMessage", "MailConnection", "SASLMechanisms", "SenderAuthentication",
                "DomainReports", "ReportExchange", "Cryptography", "MilterClient", "JunkFilter",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: ["MailConnection", .product(name: "Logging", package: "swift-log")],
            path: "Tests/TestSupport",
            swiftSettings: testing
        ),
        .testTarget(name: "JunkFilterTests", dependencies: ["JunkFilter", "MailMessage"], swiftSettings: testing),
        .testTarget(name: "MailMessageTests", dependencies: ["MailMessage"], swiftSettings: testing),
        .testTarget(
            name: "StreamCompressionTests",
            dependencies: ["StreamCompression"],
            swiftSettings: testing
        ),
        .testTarget(name: "JSONSyntaxTests", dependencies: ["JSONSyntax"], swiftSettings: testing),
        .testTarget(name: "IMAPSyntaxTests", dependencies: ["IMAPSyntax"], swiftSettings: testing),
        .testTarget(name: "SMTPSyntaxTests", dependencies: ["SMTPSyntax"], swiftSettings: testing),
        .testTarget(name: "CryptographyTests", dependencies: ["Cryptography", "COpenSSL"], swiftSettings: testing),
        .testTarget(
            name: "SASLMechanismsTests",
            dependencies: ["SASLMechanisms", "Cryptography"],
            swiftSettings: testing
        ),
        .testTarget(
            name: "SenderAuthenticationTests",
            dependencies: [
                "SenderAuthentication", "Cryptography", "MailMessage", "SMTPSyntax",
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.copy("Data")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "DomainReportsTests",
            dependencies: [
                "DomainReports", "JSONSyntax", "SenderAuthentication", "StreamCompression", "SMTPSyntax", "MailMessage",
            ],
            resources: [.copy("Data")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "ReportExchangeTests",
            dependencies: [
                "ReportExchange", "DomainReports", "SenderAuthentication", "MailConnection", "MailStorage",
                "MailMessage", "SMTPSyntax", "SQLiteStorage", "TestSupport",
            ],
            swiftSettings: testing
        ),
        // Not a test: what Tests/Programs/dkim_agreement.py compares with others.
        .executableTarget(
            name: "dkim-tool",
            dependencies: ["SenderAuthentication", "Cryptography", "SMTPSyntax"],
            path: "Tests/DKIMTool",
            swiftSettings: testing
        ),
        .testTarget(
            name: "SQLiteStorageTests",
            dependencies: [
                "SQLiteStorage", "MailStorage", "MailMessage", "JunkFilter", "Cryptography",
                .product(name: "GRDB", package: "GRDB.swift"), "TestSupport",
            ],
            resources: [.copy("schema.sql")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "MailNetworkTests",
            dependencies: [
                "MailNetwork", "MailConnection", "Cryptography", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "IMAPServerTests",
            dependencies: [
                "IMAPServer", "IMAPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms",
                "StreamCompression", "MailNetwork", "Cryptography",
                "SQLiteStorage", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            resources: [.copy("Transcripts")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "MilterClientTests",
            dependencies: ["MilterClient", "MailConnection", "TestSupport"],
            swiftSettings: testing
        ),
        .testTarget(
            name: "SMTPServerTests",
            dependencies: [
                "MilterClient",
                "SMTPServer", "SMTPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms",
                "SenderAuthentication", "JunkFilter", "Cryptography", "SQLiteStorage", "TestSupport",
            ],
            resources: [.copy("Transcripts")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "MailRelayTests",
            dependencies: [
                "MailRelay", "SMTPSyntax", "MailConnection", "MailStorage", "MailMessage", "SASLMechanisms",
                "Cryptography", "SQLiteStorage", "TestSupport",
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "HTTPServer", "IMAPServer", "JSONSyntax", "SMTPServer", "MailConnection", "MailStorage", "MailMessage",
                "Cryptography", "SASLMechanisms", "SenderAuthentication", "SQLiteStorage", "TestSupport",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: testing
        ),
        .testTarget(name: "ArchitectureTests", dependencies: ["letterhouse"], swiftSettings: testing),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["letterhouse"],
            exclude: [
                "Support/introspection.py", "Support/sink.py", "Support/imap_tour.py", "Support/imap_tour.pl",
                "Support/marionette.py", "Support/dkim_peer.py", "Support/espoofer_cases.py", "Support/slow_readers.py",
                "Support/thunderbird_tour.py", "Support/open_relay.py", "Support/shared_mailboxes.py",
                "Support/milter.py", "Support/junk.py",
            ],
            swiftSettings: testing
        ),
    ]
)
