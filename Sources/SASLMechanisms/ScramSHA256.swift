// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), the server's side.
///
/// The server's last message goes out as a challenge that the client answers with an empty response, because neither
/// IMAP nor SMTP can send it along with success. A failed exchange ends without a message (`e=` is optional, RFC 5802
/// §5.1): the protocol's own answer says it, one round trip earlier.
struct ScramSHA256: SASLExchange {
    /// What there is to bind channels with (RFC 5802 §6).
    enum Binding: Sendable {
        /// SCRAM-SHA-256, where nothing else is offered.
        case unknown
        /// SCRAM-SHA-256, where SCRAM-SHA-256-PLUS is offered too.
        case offered
        /// SCRAM-SHA-256-PLUS; the bindings by registered name.
        case required([String: [UInt8]])
    }

    private enum State {
        case clientFirst
        case verifier(first: ClientFirst)
        case clientFinal(first: ClientFirst, serverFirst: [UInt8], nonce: [UInt8], verifier: PasswordVerifier)
        case acknowledgement
        case over
    }

    private var state = State.clientFirst
    private let nonce: [UInt8]
    private let binding: Binding

    /// Takes the server's part of the nonce: printable, without comma, never used before.
    init(nonce: String, binding: Binding = .unknown) {
        self.nonce = Array(nonce.utf8)
        self.binding = binding
        precondition(ScramMessage.isNonce(self.nonce[...]), "a nonce is printable ASCII without comma")
    }

    mutating func respond(to response: [UInt8]) -> SASLStep {
        let state = self.state
        self.state = .over
        switch state {
        case .clientFirst:
            do {
                let first = try ClientFirst(response, self.binding)
                self.state = .verifier(first: first)
                return .lookUp(user: first.user)
            } catch {
                return .failure(error)
            }
        case .clientFinal(let first, let serverFirst, let nonce, let verifier):
            return self.finish(response, first, serverFirst, nonce, verifier)
        case .acknowledgement:
            return response.isEmpty ? .success : .failure(.malformed(expected: "an empty response"))
        case .verifier, .over:
            return .failure(.malformed(expected: "no response"))
        }
    }

    /// Sends salt and iterations.
    ///
    ///     server-first-message = nonce "," salt "," iteration-count
    mutating func provide(_ verifier: PasswordVerifier) -> SASLStep {
        guard case .verifier(let first) = self.state else {
            return .failure(.malformed(expected: "no verifier"))
        }
        let nonce = first.nonce + self.nonce
        let serverFirst =
            Array("r=".utf8) + nonce + Array(",s=".utf8) + Base64.encode(verifier.salt)
            + Array(",i=\(verifier.iterations)".utf8)
        self.state = .clientFinal(first: first, serverFirst: serverFirst, nonce: nonce, verifier: verifier)
        return .challenge(serverFirst)
    }

    /// Checks the proof, and proves in turn that the server knows the verifier.
    ///
    ///     client-final-message = channel-binding "," nonce ["," extensions] "," proof
    ///     server-final-message = "v=" base64
    private mutating func finish(
        _ response: [UInt8],
        _ first: ClientFirst,
        _ serverFirst: [UInt8],
        _ nonce: [UInt8],
        _ verifier: PasswordVerifier
    ) -> SASLStep {
        guard
            let attributes = ScramMessage.attributes(response[...]), attributes.count >= 3,
            attributes[0].name == UInt8(ascii: "c"),
            attributes[1].name == UInt8(ascii: "r"),
            !attributes.contains(where: { $0.name == UInt8(ascii: "m") }),
            let last = attributes.last, last.name == UInt8(ascii: "p"),
            let proof = Base64.decode(last.value), proof.count == SHA256.digestLength
        else {
            return .failure(.malformed(expected: "a SCRAM client-final-message"))
        }
        guard attributes[0].value.elementsEqual(Base64.encode(first.header + (first.binding ?? []))) else {
            // Between us and a client that sees another channel somebody sits and listens.
            return .failure(
                first.binding == nil ? .malformed(expected: "c= as in the first message") : .invalidCredentials
            )
        }
        guard attributes[1].value.elementsEqual(nonce) else {
            return .failure(.malformed(expected: "r= as in the challenge"))
        }
        let withoutProof = response.prefix(last.value.startIndex - ",p=".utf8.count)
        let comma = [UInt8(ascii: ",")]
        let authMessage = first.bare + comma + serverFirst + comma + withoutProof
        let signature = HMACSHA256.authenticationCode(for: authMessage, key: verifier.storedKey)
        let clientKey = ScramKeys.exclusiveOr(proof, signature)
        guard constantTimeEquals(SHA256.hash(clientKey), verifier.storedKey) else {
            return .failure(.invalidCredentials)
        }
        self.state = .acknowledgement
        let serverSignature = HMACSHA256.authenticationCode(for: authMessage, key: verifier.serverKey)
        return .challenge(Array("v=".utf8) + Base64.encode(serverSignature))
    }
}

/// A client's first message.
private struct ClientFirst {
    /// The GS2 header, as sent.
    let header: [UInt8]
    /// What stands behind it in the channel binding's input; nil without channel binding.
    let binding: [UInt8]?
    /// The rest of the message, as sent.
    let bare: [UInt8]
    let user: String
    let nonce: [UInt8]

    /// Reads it.
    ///
    ///     client-first-message      = gs2-header client-first-message-bare
    ///     gs2-header                = gs2-cbind-flag "," [ authzid ] ","
    ///     gs2-cbind-flag            = ("p=" cb-name) / "n" / "y"
    ///     client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
    init(_ message: [UInt8], _ binding: ScramSHA256.Binding) throws(SASLFailure) {
        let malformed = SASLFailure.malformed(expected: "a SCRAM client-first-message")
        let fields = message.split(separator: UInt8(ascii: ","), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { throw malformed }
        self.binding = try Self.binding(fields[0], binding)
        self.header = Array(message[..<fields[2].startIndex])
        self.bare = Array(fields[2])
        guard let attributes = ScramMessage.attributes(fields[2]), attributes.count >= 2 else { throw malformed }
        guard !attributes.contains(where: { $0.name == UInt8(ascii: "m") }) else {
            throw .malformed(expected: "a SCRAM client-first-message without mandatory extensions")
        }
        guard
            attributes[0].name == UInt8(ascii: "n"), let user = ScramMessage.name(attributes[0].value),
            attributes[1].name == UInt8(ascii: "r"), ScramMessage.isNonce(attributes[1].value)
        else { throw malformed }
        self.user = user
        self.nonce = Array(attributes[1].value)
        guard fields[1].isEmpty || fields[1].starts(with: "a=".utf8) else { throw malformed }
        // Nobody may act as somebody else, so the authorization identity can only repeat the name.
        guard fields[1].isEmpty || ScramMessage.name(fields[1].dropFirst(2)) == user else {
            throw .authorizationDenied
        }
    }

    /// Whether the flag says what was agreed upon by the name of the mechanism (RFC 5802 §6).
    private static func binding(
        _ flag: ArraySlice<UInt8>,
        _ binding: ScramSHA256.Binding
    ) throws(SASLFailure) -> [UInt8]? {
        switch binding {
        case .required(let bindings):
            guard flag.starts(with: "p=".utf8),
                let octets = bindings[String(decoding: flag.dropFirst(2), as: UTF8.self)]
            else {
                let names = bindings.keys.sorted().joined(separator: " or ")
                throw .malformed(expected: "a SCRAM client-first-message with the channel binding \(names)")
            }
            return octets
        case .offered, .unknown:
            if flag.elementsEqual("n".utf8) { return nil }
            guard flag.elementsEqual("y".utf8) else {
                throw .malformed(expected: "a SCRAM client-first-message without channel binding")
            }
            // The client could bind channels and did not see that we offer it: so somebody else took that away.
            if case .offered = binding { throw .invalidCredentials }
            return nil
        }
    }
}
