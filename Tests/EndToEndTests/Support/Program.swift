// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Runs other people's programs, as a user would.
enum Program {
    struct Result: Sendable {
        var status: Int32
        /// Standard output and standard error together, as on a terminal.
        var output: String
    }

    /// Runs a program to its end, with `input` on its standard input.
    ///
    /// It is killed after `limit`, and its status is 124 then.
    static func run(
        _ name: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:],
        limit: Duration = .seconds(60)
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "letterhouse-run-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(input.utf8).write(to: URL(filePath: folder + "/input"))
        let process = try Background(
            "/usr/bin/env",
            [name] + arguments,
            log: folder + "/output",
            input: folder + "/input",
            environment: environment
        )
        do {
            let status = try await process.end(within: limit)
            return Result(status: status, output: process.output)
        } catch {
            process.signal(SIGKILL)
            return Result(status: 124, output: process.output)
        }
    }

    /// Runs a program and throws, with what it said, unless it succeeds.
    @discardableResult
    static func succeed(
        _ name: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:],
        limit: Duration = .seconds(60)
    ) async throws -> String {
        let result = try await self.run(name, arguments, input: input, environment: environment, limit: limit)
        guard result.status == 0 else {
            throw Failed(
                description:
                    "\(name) \(arguments.joined(separator: " ")) ended with \(result.status):\n\(result.output)"
            )
        }
        return result.output
    }

    struct Failed: Error, CustomStringConvertible { let description: String }
}

enum Signals {
    /// Whoever hangs up while it is written to must not end the tests.
    static let ignoreBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()
}

/// Runs what blocks on a thread of its own: the threads that tests run on are too few to be kept waiting.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "blocking").async { continuation.resume(with: Result { try body() }) }
    }
}

/// A flag that several threads look at.
final class LockedFlag: Sendable {
    private let flag = Mutex(false)
    var isSet: Bool { self.flag.withLock { $0 } }
    func set() { self.flag.withLock { $0 = true } }
}

/// A program that goes on in the background until its value is gone.
final class Background: Sendable {
    let id: pid_t
    private let exit: LockedStatus
    /// Where its output goes.
    let log: String

    private final class LockedStatus: Sendable {
        private let value = Mutex<Int32?>(nil)
        func get() -> Int32? { self.value.withLock { $0 } }
        func set(_ status: Int32) { self.value.withLock { $0 = status } }
    }

    /// Starts `path`, with descriptors handed on as systemd does: they become 3, 4, … and are named in the environment.
    init(
        _ path: String,
        _ arguments: [String],
        log: String,
        input: String = "/dev/null",
        environment given: [String: String] = [:],
        sockets: [(name: String, descriptor: Int32)] = []
    ) throws {
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // As from a shell: the runner of the tests may block or ignore signals that the program waits for.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // High numbers first, so that no target is a source that is still needed.
        let base: Int32 = 200
        for (index, socket) in sockets.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, socket.descriptor, base + Int32(index))
        }
        for index in sockets.indices {
            posix_spawn_file_actions_adddup2(&actions, base + Int32(index), 3 + Int32(index))
        }
        // Pipes of programs that run at the same time are not this one's to keep open.
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
        var environment = ProcessInfo.processInfo.environment
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
            environment[name] = nil
        }
        environment.merge(given) { _, given in given }
        var words = [path] + arguments
        if !sockets.isEmpty {
            environment["LISTEN_FDS"] = "\(sockets.count)"
            environment["LISTEN_FDNAMES"] = sockets.map(\.name).joined(separator: ":")
            // The shell's number is the program's, once it has become the program.
            words = ["/bin/sh", "-c", "LISTEN_PID=$$ exec \"$0\" \"$@\""] + words
        }
        let argv = words.map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, words[0], &actions, &attributes, argv, envp)
        guard status == 0 else {
            throw Program.Failed(description: "cannot start \(path): \(String(cString: strerror(status)))")
        }
        let child = id
        self.id = child
        let exit = LockedStatus()
        self.exit = exit
        DispatchQueue(label: "background").async {
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0 && errno == EINTR {}
            exit.set(status)
        }
    }

    deinit { if self.exit.get() == nil { kill(self.id, SIGKILL) } }

    var isRunning: Bool { self.exit.get() == nil }

    func signal(_ signal: Int32) { if self.isRunning { kill(self.id, signal) } }

    /// Waits until it has ended; its exit status, or minus the signal's number.
    func end(within limit: Duration = .seconds(30)) async throws -> Int32 {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let status = self.exit.get() {
                return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Program.Failed(description: "still running after \(limit):\n\(self.output)")
    }

    var output: String { (try? String(contentsOfFile: self.log, encoding: .utf8)) ?? "" }
}
