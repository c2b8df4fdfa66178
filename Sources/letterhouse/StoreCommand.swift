// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import MailStorage
import SQLiteStorage

/// A command about the store: it works on the store itself, or in the server if one has the store open.
protocol StoreCommand: AsyncParsableCommand {
    /// Whether the command needs the verifier of a new password.
    static var takesPassword: Bool { get }
    /// Whether the command makes a store where there is none.
    static var makesStore: Bool { get }

    var common: StoreArguments { get }

    /// Does it.
    ///
    /// `verifier`: of the new password, if the command takes one.
    func run(on store: SQLiteStore, verifier: String?, console: Console) async throws
}

/// The options that all commands about the store have.
struct StoreArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("The settings file (default: \(Settings.standardFile)).", valueName: "file")
    )
    var config: String?

    @Option(help: ArgumentHelp("The folder of the store; no settings file is read then.", valueName: "folder"))
    var data: String?

    @Flag(help: "Write JSON, for programs.")
    var json = false

    func validate() throws {
        if self.config != nil, self.data != nil { throw ValidationError("Give --config or --data, not both.") }
    }

    /// The folder of the store.
    func folder() throws -> String {
        if let data = self.data { return data }
        return try Settings.load(path: self.config, environment: ProcessEnvironment.variables).data
    }
}

extension StoreCommand {
    static var takesPassword: Bool { false }
    static var makesStore: Bool { false }

    func run() async throws {
        let folder = try self.common.folder()
        try StoreFolder.enter(folder, making: Self.makesStore)
        let verifier = Self.takesPassword ? try PasswordPrompt.verifier() : nil
        let terminal = Terminal()
        try await terminal.showingProgress {
            do {
                let store = try SQLiteStore(path: folder + "/mail.db")
                let console = Console(isJSON: self.common.json, send: terminal.show)
                let result = await Result { try await self.run(on: store, verifier: verifier, console: console) }
                try await store.close()
                try result.get()
            } catch StoreError.inUse {
                let request = ControlRequest(arguments: Array(CommandLine.arguments.dropFirst()), verifier: verifier)
                try ControlClient(path: StoreFolder.controlSocket(folder)).run(request, show: terminal.show)
            }
        }
    }
}

/// The folder that has everything of one installation.
enum StoreFolder {
    static func controlSocket(_ folder: String) -> String { folder + "/control.sock" }

    /// Makes sure that there is a store, and goes on as the user who owns it.
    ///
    /// An administrator's command must not leave files there that the server cannot open.
    static func enter(_ folder: String, making isMade: Bool) throws {
        var status = stat()
        if !isMade, unsafe access(folder + "/mail.db", F_OK) != 0 {
            guard errno == ENOENT else {
                throw OperatorError("\(folder): \(TextFile.Failure(path: "mail.db", code: errno))", .unavailable)
            }
            throw OperatorError(
                "there is no mail store in \(folder); `letterhouse domain add` makes one",
                .unavailable
            )
        }
        guard geteuid() == 0, unsafe stat(folder, &status) == 0, status.st_uid != 0 else { return }
        guard setgroups(0, nil) == 0, setgid(status.st_gid) == 0, setuid(status.st_uid) == 0 else {
            throw OperatorError("cannot become the user who owns \(folder)", .unavailable)
        }
    }
}

extension Result where Failure == any Error {
    /// What an asynchronous closure returned or threw.
    fileprivate init(_ body: nonisolated(nonsending) () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
