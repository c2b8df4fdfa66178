// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import ServiceLifecycle
import TestSupport
import Testing

@testable import MailNetwork

/// These change the environment, which is the process's: one after the other.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct ServiceNotifierTests {
    @Test
    func withoutSystemdNothingHappens() async throws {
        let notifier = ServiceNotifier()
        notifier.ready()
        notifier.status("nobody listens")
        #expect(notifier.watchdogInterval == nil)
    }

    @Test
    func systemdIsTold() async throws {
        try await Self.listening { messages in
            let notifier = ServiceNotifier()
            notifier.ready()
            notifier.status("two\nlines")
            notifier.stopping()
            var iterator = messages.makeAsyncIterator()
            #expect(await iterator.next() == "READY=1")
            #expect(await iterator.next() == "STATUS=two lines")
            #expect(await iterator.next() == "STOPPING=1")
        }
    }

    @Test
    func theWatchdogHearsOfAServiceThatIsWell() async throws {
        setenv("WATCHDOG_USEC", "100000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        defer {
            unsetenv("WATCHDOG_USEC")
            unsetenv("WATCHDOG_PID")
        }
        try await Self.listening { messages in
            let notifier = ServiceNotifier()
            #expect(notifier.watchdogInterval == .milliseconds(100))
            let group = ServiceGroup(services: [notifier], logger: .silent)
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await group.run() }
                var iterator = messages.makeAsyncIterator()
                #expect(await iterator.next() == "WATCHDOG=1")
                #expect(await iterator.next() == "WATCHDOG=1")
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    @Test
    func theWatchdogHearsNothingOfAServiceThatIsNot() async throws {
        setenv("WATCHDOG_USEC", "20000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        defer {
            unsetenv("WATCHDOG_USEC")
            unsetenv("WATCHDOG_PID")
        }
        try await Self.listening { messages in
            let (asked, report) = AsyncStream.makeStream(of: Void.self)
            let notifier = ServiceNotifier {
                report.yield()
                return false
            }
            await withTaskGroup { tasks in
                tasks.addTask { try? await notifier.run() }
                var iterator = asked.makeAsyncIterator()
                for _ in 0..<3 { await iterator.next() }
                tasks.cancelAll()
            }
            ServiceNotifier().stopping()
            var iterator = messages.makeAsyncIterator()
            #expect(await iterator.next() == "STOPPING=1")
        }
    }

    /// Stands in for systemd at the other end of `NOTIFY_SOCKET`.
    private static func listening(_ body: (AsyncStream<String>) async throws -> Void) async throws {
        var template = Array("/tmp/letterhouse-notify-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        let path = directory + "/socket"
        defer {
            unlink(path)
            rmdir(directory)
        }
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        let (messages, feed) = AsyncStream.makeStream(of: String.self)
        DispatchQueue(label: "systemd").async {
            var octets = [UInt8](repeating: 0, count: 1_024)
            while case let count = recv(descriptor, &octets, octets.count, 0), count > 0 {
                feed.yield(String(decoding: octets[..<count], as: UTF8.self))
            }
            close(descriptor)
        }
        defer { shutdown(descriptor, CInt(SHUT_RDWR)) }
        setenv("NOTIFY_SOCKET", path, 1)
        defer { unsetenv("NOTIFY_SOCKET") }
        try await body(messages)
    }
}
