// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What the validation of a chain comes to.
package struct ARCOutcome: Sendable, Equatable {
    package var result: ARCResult
    /// Why it is ``ARCResult/fail``, in a few words of ours.
    package var reason: String?
    /// Who sealed last: the domain that answers for what the chain says, if it is whole.
    package var domain: DomainName?
    /// The highest instance; 0 if there is none.
    package var instance = 0
    /// A seal says already that the chain is broken: it ends there.
    var isMarked = false
}

/// Validates the Authenticated Received Chain of one message, whose body passes by in chunks (RFC 8617 §5.2).
///
/// A whole chain proves who handled the message, not that any of them told the truth: what it says is worth as much as its
/// sealers are. Whatever goes wrong is a failure for good, the name system's silence too (§5.2.1). Which of the older
/// signatures of the message still hold (step 5) is not looked at.
package struct ARCVerifier {
    private let chain: Result<ARCChain, ARCChain.Fault>
    /// Of the newest ARC-Message-Signature.
    private var message: DKIMVerifier?

    init(_ header: SignableHeader) {
        do throws(ARCChain.Fault) {
            let chain = try ARCChain(header)
            self.chain = .success(chain)
            guard let newest = chain.sets.last else { return }
            let signature = Result { () throws(DKIMSignature.Fault) in
                try DKIMSignature(arcMessageSignature: newest.messageSignature)
            }
            self.message = DKIMVerifier(header, signatures: [signature])
        } catch {
            self.chain = .failure(error)
        }
    }

    /// Begins with a message's header, with or without its empty line.
    package init(header: ArraySlice<UInt8>) { self.init(SignableHeader(header)) }

    /// Takes the next octets of the body.
    package mutating func update(_ chunk: ArraySlice<UInt8>) { self.message?.update(chunk) }

    /// The end of the message.
    package mutating func finish(names: any NameService, unixTime: Int64) async -> ARCOutcome {
        let sets: [ARCChain.Set]
        switch self.chain {
        case .success(let chain): sets = chain.sets
        case .failure(let fault):
            return ARCOutcome(
                result: .fail,
                reason: fault.reason,
                instance: fault.highestInstance,
                isMarked: fault.isMarked
            )
        }
        var outcome = ARCOutcome(result: sets.isEmpty ? .none : .fail, instance: sets.count)
        guard !sets.isEmpty else { return outcome }
        do throws(ARCSeal.Fault) {
            let seals = try self.seals(of: sets)
            let message = await self.message?.finish(names: names, unixTime: unixTime).first
            guard message?.result == .pass else {
                throw ARCSeal.Fault(reason: message?.reason ?? "the message's signature did not verify")
            }
            var keys: [DomainName: NameAnswer<[UInt8]>] = [:]
            for number in seals.indices.reversed() {
                try await self.verify(seals[number], of: sets[...number], names: names, keys: &keys)
            }
            outcome.result = .pass
            outcome.domain = seals.last?.domain
        } catch {
            outcome.reason = error.reason
        }
        return outcome
    }

    /// The seals, each of which says of the chain before it what it must (RFC 8617 §5.2, step 3 C).
    private func seals(of sets: [ARCChain.Set]) throws(ARCSeal.Fault) -> [ARCSeal] {
        var seals: [ARCSeal] = []
        for set in sets {
            let seal = try ARCSeal(set.seal)
            guard seal.chain == (seals.isEmpty ? .none : .pass) else {
                throw ARCSeal.Fault(reason: "a seal does not fit its place")
            }
            seals.append(seal)
        }
        return seals
    }

    private func verify(
        _ seal: ARCSeal,
        of sets: ArraySlice<ARCChain.Set>,
        names: any NameService,
        keys: inout [DomainName: NameAnswer<[UInt8]>]
    ) async throws(ARCSeal.Fault) {
        guard let name = seal.domain.prefixed(by: "\(seal.selector)._domainkey") else {
            throw ARCSeal.Fault(reason: "no key for a seal")
        }
        if keys[name] == nil { keys[name] = await names.texts(of: name) }
        guard case .found(let records)? = keys[name] else { throw ARCSeal.Fault(reason: "no key for a seal") }
        let digest = ARCChain.digest(of: sets, seal: seal.unsignedField)
        for record in records.prefix(4) {
            let key = try? DKIMKeyRecord(record, for: seal.algorithm, identityDomain: seal.domain, of: seal.domain).key
            if key?.isValid(signature: seal.signature, of: digest) == true { return }
        }
        throw ARCSeal.Fault(reason: "a seal did not verify")
    }
}
