// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import MailStorage
import SASLMechanisms
import SQLiteStorage

/// What `serve --embedded` makes by itself, so that mail can be tried within a minute.
enum Embedded {
    static let domain = "letterhouse.test"
    static let address = "you@letterhouse.test"

    /// Who can log in, told once.
    struct FirstAccount {
        let address: String
        let password: String
    }

    /// The folder of the store, for its owner only.
    static func makeFolder(_ path: String) throws {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw TextFile.Failure(path: path, code: errno)
        }
    }

    /// A certificate that signs itself, made once; good for loopback and for ten years.
    static func certificate(in folder: String) throws -> Settings.TLS {
        let files = Settings.TLS(certificate: folder + "/certificate.pem", key: folder + "/key.pem")
        if unsafe access(files.certificate, F_OK) != 0 || access(files.key, F_OK) != 0 {
            let made = try SelfSignedCertificate.make(
                names: ["localhost", "127.0.0.1", "::1"],
                notBefore: Int64(time(nil)) - 3600,
                days: 3650
            )
            try TextFile.write(made.keyPEM, to: files.key)
            try TextFile.write(made.certificatePEM, to: files.certificate)
        }
        return files
    }

    /// A domain and an account, if the store has none; nil if it has.
    static func firstAccount(in store: SQLiteStore) async throws -> FirstAccount? {
        guard try await store.domains().isEmpty, try await store.accounts().isEmpty else { return nil }
        let password = try self.newPassword()
        guard let secret = Password(password) else { return nil }
        try await store.addDomain(self.domain)
        _ = try await store.addAccount(self.address, verifier: try PasswordVerifier(password: secret).text)
        return FirstAccount(address: self.address, password: password)
    }

    /// Eighty bits in letters and digits that nobody mistakes for others.
    private static func newPassword() throws -> String {
        let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
        let characters = try Random.octets(16).map { letters[Int($0) % letters.count] }
        return stride(from: 0, to: 16, by: 4).map { String(characters[$0..<$0 + 4]) }.joined(separator: "-")
    }

    /// Says how to send and read the first mail.
    static func welcome(_ account: FirstAccount, _ settings: Settings) {
        StandardOutput.write(
            """

            A new mail store in \(settings.data), with one account. Its password is shown only now:

                \(account.address)    \(account.password)

            Send it a message, and read it:

                swaks --server 127.0.0.1:1025 --from friend@example.org --to \(account.address) --body 'Hello'
                curl --insecure --user \(account.address):\(account.password) 'imaps://127.0.0.1:1993/INBOX;MAILINDEX=1'

            Read it with mutt:

                mutt -f imap://\(account.address.replacing("@", with: "%40"))@127.0.0.1:1143/INBOX

            Give it a password that you can remember:

                .build/debug/letterhouse account password \(account.address) --data \(settings.data)

            """
        )
    }
}
