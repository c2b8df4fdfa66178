// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// The ARC Sets of a message, in the order in which they were added (RFC 8617 §4.2, §4.3).
struct ARCChain: Sendable {
    /// What the fields that one handler added have in common is their instance.
    struct Set: Sendable {
        /// ARC-Authentication-Results.
        let results: HeaderField
        /// ARC-Message-Signature.
        let messageSignature: HeaderField
        /// ARC-Seal.
        let seal: HeaderField
    }

    /// Why what there is is no chain.
    struct Fault: Error {
        let reason: String
        /// The highest instance that any field names; 0 if none does.
        var highestInstance = 0
        /// Somebody before us has found that the chain is broken, and said so.
        var isMarked = false
    }

    /// RFC 8617 §4.2.1.
    static let maximumSets = 50

    /// Those of instances 1, 2, 3, …; none if the message has no ARC fields.
    let sets: [Set]

    /// Collects the sets and validates their structure (RFC 8617 §5.2, steps 1 to 3).
    init(_ header: SignableHeader) throws(Fault) {
        let fields = [
            header.fields(named: "arc-authentication-results"), header.fields(named: "arc-message-signature"),
            header.fields(named: "arc-seal"),
        ]
        let count = fields[2].count
        guard fields.contains(where: { !$0.isEmpty }) else {
            self.sets = []
            return
        }
        var highest = 0
        var byInstance: [[Int: HeaderField]] = []
        var problem: String?
        for (kind, fields) in fields.enumerated() {
            var known: [Int: HeaderField] = [:]
            for field in fields.prefix(Self.maximumSets + 1) {
                guard let instance = kind == 0 ? Self.resultsInstance(field.value) : Self.instance(field.value) else {
                    problem = problem ?? "a field without an instance"
                    continue
                }
                highest = max(highest, instance)
                if known.updateValue(field, forKey: instance) != nil { problem = problem ?? "an instance twice" }
            }
            byInstance.append(known)
        }
        if let seal = byInstance[2][highest], TagList(seal.value)?.text("cv") == "fail" {
            throw Fault(reason: "sealed as failed", highestInstance: highest, isMarked: true)
        }
        if let problem { throw Fault(reason: problem, highestInstance: highest) }
        guard count <= Self.maximumSets, fields.allSatisfy({ $0.count == count }) else {
            throw Fault(reason: "sets that are not complete, or too many", highestInstance: highest)
        }
        var sets: [Set] = []
        for instance in 1...max(1, count) {
            guard let results = byInstance[0][instance], let signature = byInstance[1][instance],
                let seal = byInstance[2][instance]
            else { throw Fault(reason: "sets that are not complete", highestInstance: highest) }
            sets.append(Set(results: results, messageSignature: signature, seal: seal))
        }
        self.sets = sets
    }

    /// The instance in front of the results.
    ///
    ///     arc-info = instance [CFWS] ";" authres-payload
    ///     instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position
    ///     position = 1*2DIGIT
    static func resultsInstance(_ value: ArraySlice<UInt8>) -> Int? {
        var scanner = StructuredScanner(value)
        guard scanner.skipCFWS(), scanner.consume(UInt8(ascii: "i")), scanner.skipCFWS(), scanner.consume(.equals),
            scanner.skipCFWS()
        else { return nil }
        let digits = scanner.take(while: \.isDigit)
        guard scanner.skipCFWS(), scanner.current == .semicolon else { return nil }
        return self.position(digits)
    }

    /// The `i=` of a tag list.
    static func instance(_ value: ArraySlice<UInt8>) -> Int? { TagList(value)?["i"].flatMap(self.position) }

    private static func position(_ digits: ArraySlice<UInt8>) -> Int? {
        guard let number = digits.decimal(maximumDigits: 2), (1...self.maximumSets).contains(number) else { return nil }
        return number
    }

    /// What the seal of the last of these sets is made over (RFC 8617 §5.1.1).
    ///
    /// - Parameters:
    ///   - sets: from instance 1 on, or those that the seal covers.
    ///   - seal: the last seal's field with an empty `b=`, without a line end.
    /// - Returns: 32 octets.
    static func digest(of sets: some Collection<Set>, seal: [UInt8]) -> [UInt8] {
        var input: [UInt8] = []
        func add(_ field: ArraySlice<UInt8>) {
            Canonicalization.relaxed.append(field, to: &input)
            input += [.cr, .lf]
        }
        for (number, set) in sets.enumerated() {
            add(set.results.withoutLineEnd)
            add(set.messageSignature.withoutLineEnd)
            if number + 1 < sets.count { add(set.seal.withoutLineEnd) }
        }
        Canonicalization.relaxed.append(seal[...], to: &input)
        return SHA256.hash(input)
    }
}
