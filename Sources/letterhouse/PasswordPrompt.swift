// SPDX-License-Identifier: Apache-2.0

import Glibc
import SASLMechanisms

/// Asks for a new password: on the terminal twice and without showing it, else in the first line of standard input.
///
/// Never in an argument: other users can read those.
enum PasswordPrompt {
    /// What is stored for the password, computed here so that the password goes no further.
    static func verifier() throws -> String {
        let line = isatty(STDIN_FILENO) == 1 ? try Self.fromTerminal() : try Self.line()
        guard let password = Password(line) else {
            throw OperatorError("a password has at least one character, and no control characters", .data)
        }
        return try PasswordVerifier(password: password).text
    }

    private static func fromTerminal() throws -> String {
        var shown = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &shown) == 0 else {
            throw OperatorError("the terminal cannot be used; give the password on standard input", .unavailable)
        }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer { unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown) }

        StandardError.write("Password: ")
        let first = try Self.line()
        StandardError.write("\nThe same again: ")
        let second = try Self.line()
        StandardError.write("\n")
        guard first == second else { throw OperatorError("the two passwords differ; try again", .data) }
        return first
    }

    /// One line of at most 1000 octets; nothing behind it is read.
    private static func line() throws -> String {
        var octets: [UInt8] = []
        while octets.count <= 1000 {
            var octet: UInt8 = 0
            let count = unsafe read(STDIN_FILENO, &octet, 1)
            if count < 0, errno == EINTR { continue }
            if count <= 0 || octet == UInt8(ascii: "\n") {
                guard count > 0 || !octets.isEmpty else {
                    throw OperatorError("expected a password on standard input", .data)
                }
                if octets.last == UInt8(ascii: "\r") { octets.removeLast() }
                return String(decoding: octets, as: UTF8.self)
            }
            octets.append(octet)
        }
        throw OperatorError("a password has at most 1000 octets", .data)
    }
}
