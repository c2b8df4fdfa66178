// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension EndToEnd {
    /// `Packaging/install-packages` on machines that lack something: what it runs there is recorded, not run.
    @Suite("What make installs") struct InstallationTests {
        private static let swift = "echo 'Swift version 6.3.1 (swift-6.3.1-RELEASE)'"

        @Test("without Swift, or with an old one, one line says how to get it", arguments: [nil, "5.10", "6.2.4"])
        func withoutSwift(version: String?) async throws {
            let machine = try Machine(
                commands: version.map { ["swift": "echo 'Swift version \($0) (swift-RELEASE)'"] } ?? [:]
            )
            let result = try await machine.installPackages("build")
            #expect(result.status == 1)
            #expect(result.output.hasPrefix("Letterhouse needs Swift 6.3: install it from https://www.swift.org/"))
            #expect(result.output.split(separator: "\n").count == 1)
        }

        @Test("root installs what is missing, and says what") func root() async throws {
            let machine = try Machine(commands: [
                "swift": Self.swift,
                "id": "echo 0",
                "dpkg-query": "case $3 in libssl-dev|pkg-config) exit 1;; esac; printf installed",
                "apt-get": "echo apt-get \"$@\" >>\"$RECORD\"",
                "sudo": "echo sudo \"$@\" >>\"$RECORD\"",
            ])
            let result = try await machine.installPackages("build")
            #expect(result.status == 0)
            #expect(result.output == "Installing libssl-dev pkg-config\n")
            #expect(
                machine.record == [
                    "apt-get update -qq",
                    "apt-get install -y -qq --no-install-recommends libssl-dev pkg-config",
                ]
            )
        }

        @Test("others use sudo, and only if something is missing", arguments: [true, false])
        func others(isComplete: Bool) async throws {
            let machine = try Machine(commands: [
                "swift": Self.swift,
                "id": "echo 1000",
                "dpkg-query": isComplete
                    ? "printf installed" : "case $3 in libunbound-dev) exit 1;; esac; printf installed",
                "apt-get": "echo apt-get \"$@\" >>\"$RECORD\"",
                "sudo": "echo sudo \"$@\" >>\"$RECORD\"",
            ])
            let result = try await machine.installPackages("build")
            #expect(result.status == 0)
            #expect(result.output == (isComplete ? "" : "Installing libunbound-dev\n"))
            #expect(machine.record.allSatisfy { $0.hasPrefix("sudo ") })
            #expect(machine.record.last?.hasSuffix(" libunbound-dev") ?? false == !isComplete)
        }

        @Test("make test installs what the tests need too, and the Python packages in a place of their own")
        func forTests() async throws {
            let machine = try Machine(commands: [
                "swift": Self.swift,
                "id": "echo 0",
                "dpkg-query": "case $3 in libssl-dev|nsd|swaks) exit 1;; esac; printf installed",
                "apt-get": "echo apt-get \"$@\" >>\"$RECORD\"; if [ $1 = download ]; then echo >server.deb; fi",
                "dpkg-deb": "echo dpkg-deb \"$1\" >>\"$RECORD\"",
                "python3": """
                echo python3 "$1" "$2" >>"$RECORD"
                /usr/bin/mkdir -p "$3/bin"
                printf '#!/bin/sh\\necho pip "$@" >>"$RECORD"\\n' >"$3/bin/pip"
                /usr/bin/chmod +x "$3/bin/pip"
                """,
            ])
            let result = try await machine.installPackages("build", "test")
            #expect(result.status == 0, "\(result.output)")
            #expect(
                result.output.hasPrefix(
                    "Installing libssl-dev nsd swaks\nUnpacking exim4-base exim4-daemon-light postfix\nInstalling imapclient, espoofer"
                )
            )
            #expect(machine.record[1] == "apt-get install -y -qq --no-install-recommends libssl-dev nsd swaks")
            // What two packages would fight for is not installed.
            #expect(machine.record[2].hasPrefix("apt-get download ") && machine.record[2].hasSuffix(" postfix"))
            #expect(machine.record[3] == "dpkg-deb --extract")
            #expect(machine.record[4] == "python3 -m venv")
            #expect(machine.record[5].hasPrefix("pip install ") && machine.record[5].contains("imapclient=="))
            #expect(machine.record[5].contains("espoofer=="))
            // And it is done once.
            let again = try await machine.installPackages("test")
            #expect(!again.output.contains("Unpacking"))
        }

        /// A machine that has the tools of every Debian, and `commands` (shell scripts by name).
        private struct Machine {
            let folder: String
            let path: String

            init(commands: [String: String]) throws {
                self.folder =
                    FileManager.default.temporaryDirectory
                    .appending(path: "letterhouse-machine-\(UUID().uuidString)").path
                self.path = self.folder + "/bin"
                try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: TestAppliance.checkout + "/Packaging",
                    toPath: self.folder + "/Packaging"
                )
                for tool in ["bash", "cat", "dirname", "sed", "grep", "env", "mkdir", "rm"] {
                    try FileManager.default.createSymbolicLink(
                        atPath: "\(self.path)/\(tool)",
                        withDestinationPath: "/usr/bin/\(tool)"
                    )
                }
                for (name, script) in commands {
                    let file = "\(self.path)/\(name)"
                    try "#!/bin/sh\n\(script)\n".write(toFile: file, atomically: false, encoding: .utf8)
                    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
                }
            }

            /// Runs a copy of it, for it also looks beside its folder.
            func installPackages(_ sets: String...) async throws -> Program.Result {
                try await Program.run(
                    "/bin/bash",
                    [self.folder + "/Packaging/install-packages"] + sets,
                    environment: ["PATH": self.path, "RECORD": self.folder + "/record"]
                )
            }

            /// What was run, line by line.
            var record: [String] {
                let text = (try? String(contentsOfFile: self.folder + "/record", encoding: .utf8)) ?? ""
                return text.split(separator: "\n").map(String.init)
            }
        }
    }
}
