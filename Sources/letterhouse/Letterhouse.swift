// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import MailNetwork

/// The program: `letterhouse SUBCOMMAND`.
@main struct Letterhouse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "letterhouse",
        abstract: "A mail server in one process and one file.",
        discussion: """
            Commands that concern the store may be given while the server runs: the server then carries them out. They \
            end with 0 if all went well, else with a code of sysexits(3): 64 wrong arguments, 65 wrong input, 69 not \
            available, 70 an error in the program, 73 cannot be made, 75 try again later, 78 wrong settings.
            """,
        version: ProgramVersion.text,
        subcommands: [
            ServeCommand.self, CheckConfigCommand.self, DomainCommand.self, AccountCommand.self, AliasCommand.self,
            DKIMCommand.self, TokenCommand.self, QueueCommand.self, TraceCommand.self, JunkCommand.self,
            ReportsCommand.self, SessionsCommand.self, VerifyCommand.self, VersionCommand.self,
        ]
    )

    static func main() async {
        // Before anything else has started a task.
        EventLoops.installAsGlobalExecutor()
        // A client that hangs up is an error of its write, not a signal.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try self.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            // Help, wrong arguments and a status that was chosen already are the argument parser's to tell.
            guard self.exitCode(for: error) == .failure, !(error is ExitCode) else { self.exit(withError: error) }
            let failure = OperatorError(error)
            StandardError.write("letterhouse: \(failure.text)\n")
            self.exit(withError: ExitCode(failure.status.rawValue))
        }
    }
}
