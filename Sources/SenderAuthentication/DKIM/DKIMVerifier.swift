// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// Verifies the signatures of one message, whose body passes by in chunks (RFC 6376 §6).
///
///     var verifier = DKIMVerifier(header: header)
///     for await chunk in body { verifier.update(chunk) }
///     let outcomes = await verifier.finish(names: names, unixTime: now)
///
/// The time it takes grows with the length of the message, and no more than eight signatures are looked at; no chunk is
/// kept.
package struct DKIMVerifier {
    /// More signatures than a message has that came through a few lists.
    package static let maximumSignatures = 8
    /// How far the clock of a signer may be ahead, in seconds.
    private static let clockTolerance: Int64 = 86_400

    private let header: SignableHeader
    private let signatures: [Result<DKIMSignature, DKIMSignature.Fault>]
    private var digests: [BodyDigest.Kind: BodyDigest] = [:]

    /// Begins with a message's header, with or without its empty line.
    package init(header: ArraySlice<UInt8>) {
        self.init(SignableHeader(header))
    }

    init(_ header: SignableHeader) {
        let fields = header.fields(named: "dkim-signature").prefix(Self.maximumSignatures)
        self.init(
            header,
            signatures: fields.map { field in
                Result { () throws(DKIMSignature.Fault) in try DKIMSignature(field) }
            }
        )
    }

    /// Verifies these signatures and no others.
    init(_ header: SignableHeader, signatures: [Result<DKIMSignature, DKIMSignature.Fault>]) {
        self.header = header
        self.signatures = signatures
        for case .success(let signature) in signatures where self.digests[signature.body] == nil {
            self.digests[signature.body] = BodyDigest(signature.body)
        }
    }

    /// Takes the next octets of the body.
    package mutating func update(_ chunk: ArraySlice<UInt8>) {
        for digest in self.digests.values { digest.update(chunk) }
    }

    /// The outcome of each signature from top to bottom; a single ``DKIMResult/none`` if there is no signature.
    package mutating func finish(names: any NameService, unixTime: Int64) async -> [DKIMOutcome] {
        guard !self.signatures.isEmpty else { return [DKIMOutcome(.none)] }
        var hashes: [BodyDigest.Kind: (digest: [UInt8], length: Int)] = [:]
        for (kind, digest) in self.digests {
            let octets = digest.finish()
            hashes[kind] = (octets, digest.length)
        }
        var outcomes: [DKIMOutcome] = []
        var keys: [DomainName: NameAnswer<[UInt8]>] = [:]
        for signature in self.signatures {
            switch signature {
            case .failure(let fault):
                outcomes.append(DKIMOutcome(fault.result, reason: fault.reason))
            case .success(let signature):
                guard let body = hashes[signature.body] else { continue }
                if let refusal = self.refusal(of: signature, body: body, unixTime: unixTime) {
                    outcomes.append(refusal)
                    continue
                }
                outcomes.append(await self.outcome(of: signature, bodyLength: body.length, names: names, keys: &keys))
            }
        }
        return outcomes
    }

    /// What can be told without the key.
    private func refusal(
        of signature: DKIMSignature,
        body: (digest: [UInt8], length: Int),
        unixTime: Int64
    ) -> DKIMOutcome? {
        if let expiration = signature.expiration, expiration < unixTime {
            return DKIMOutcome(.fail, reason: "signature expired", of: signature)
        }
        if let time = signature.time, time > unixTime + Self.clockTolerance {
            return DKIMOutcome(.policy, reason: "signed in the future", of: signature)
        }
        if let limit = signature.body.limit, limit > body.length {
            return DKIMOutcome(.fail, reason: "the body is shorter than l=", of: signature)
        }
        guard body.digest == signature.bodyHash else {
            return DKIMOutcome(.fail, reason: "body hash did not verify", of: signature)
        }
        return nil
    }

    private func outcome(
        of signature: DKIMSignature,
        bodyLength: Int,
        names: any NameService,
        keys: inout [DomainName: NameAnswer<[UInt8]>]
    ) async -> DKIMOutcome {
        guard let name = signature.domain.prefixed(by: "\(signature.selector)._domainkey") else {
            return DKIMOutcome(.permerror, reason: "no key for signature", of: signature)
        }
        let answer: NameAnswer<[UInt8]>
        if let known = keys[name] {
            answer = known
        } else {
            answer = await names.texts(of: name)
            keys[name] = answer
        }
        switch answer {
        case .temporaryFailure: return DKIMOutcome(.temperror, reason: "key unavailable", of: signature)
        case .noSuchName, .noData: return DKIMOutcome(.permerror, reason: "no key for signature", of: signature)
        case .found(let records):
            return self.outcome(of: signature, bodyLength: bodyLength, records: records)
        }
    }

    /// Of several records, which only a mistake makes, the first that can be used counts (RFC 6376 §6.1.2).
    private func outcome(of signature: DKIMSignature, bodyLength: Int, records: [[UInt8]]) -> DKIMOutcome {
        var fault = "key syntax error"
        for record in records.prefix(4) {
            do throws(DKIMKeyRecord.Fault) {
                let record = try DKIMKeyRecord(
                    record,
                    for: signature.algorithm,
                    identityDomain: signature.identityDomain,
                    of: signature.domain
                )
                var outcome = self.outcome(of: signature, bodyLength: bodyLength, key: record.key)
                if record.isForReportsOnly {
                    outcome.signsReports = outcome.result == .pass
                    (outcome.result, outcome.reason) = (.permerror, DKIMKeyRecord.notForMail)
                }
                outcome.isTesting = record.isTesting
                return outcome
            } catch {
                fault = error.reason
            }
        }
        return DKIMOutcome(.permerror, reason: fault, of: signature)
    }

    private func outcome(of signature: DKIMSignature, bodyLength: Int, key: PublicKey) -> DKIMOutcome {
        let digest = self.header.digest(
            of: signature.names,
            signature: signature.unsignedField,
            signature.headerCanonicalization
        )
        guard key.isValid(signature: signature.signature, of: digest) else {
            return DKIMOutcome(.fail, reason: "signature did not verify", of: signature)
        }
        // RFC 6376 §8.2: whoever likes may add text behind what is signed.
        if let limit = signature.body.limit, limit < bodyLength {
            return DKIMOutcome(.policy, reason: "l= does not cover the body", of: signature)
        }
        // Whatever stands behind such a line is body for some readers, and no signature says that it was added.
        if self.header.hasStrayLine {
            return DKIMOutcome(.policy, reason: "a line of the header is no field", of: signature)
        }
        if let name = self.partlySigned(signature.names) {
            return DKIMOutcome(.policy, reason: "not every \(name) field is signed", of: signature)
        }
        return DKIMOutcome(.pass, of: signature)
    }

    /// A field that a message has once (RFC 5322 §3.6, RFC 2045), of which this one has more than the signature covers.
    ///
    /// RFC 6376 §8.15: readers may show the one that somebody has added.
    private func partlySigned(_ names: [[UInt8]]) -> String? {
        Self.singleFields.first { single in
            let name = Array(single.lowercased().utf8)
            let count = self.header.count(of: name)
            let signed = count > 1 ? names.count { $0 == name } : 0
            return signed > 0 && signed < count
        }
    }

    private static let singleFields = [
        "From", "Sender", "Reply-To", "To", "Cc", "Message-ID", "Subject", "Date", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ]
}
