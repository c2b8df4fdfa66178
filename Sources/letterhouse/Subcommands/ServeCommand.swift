// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `letterhouse serve`: the appliance itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve IMAP, SMTP and HTTP until SIGTERM.",
        discussion: """
            Takes the sockets that systemd hands over, by their names (imap, imaps, smtp, submission, submissions, http); \
            without any, opens those of the settings.
            """
    )

    @Option(help: ArgumentHelp("The settings file (default: \(Settings.standardFile)).", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            """
            Keep everything in this folder and listen on loopback only, with a certificate and, the first time, an account \
            made for it: for trying out.
            """,
            valueName: "folder"
        )
    )
    var embedded: String?

    func validate() throws {
        if self.config != nil, self.embedded != nil {
            throw ValidationError("Give --config or --embedded, not both.")
        }
    }

    func run() async throws {
        if let folder = self.embedded {
            try await Appliance.serveEmbedded(in: folder)
        } else {
            try await Appliance.serve(config: self.config)
        }
    }
}
