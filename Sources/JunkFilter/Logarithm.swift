// SPDX-License-Identifier: Apache-2.0

/// The two functions of analysis that probabilities need, the same to the last bit on every machine.
///
/// The standard library has them in no module that may be imported here; both are series that end.
enum Logarithm {
    private static let ln2 = 0.693_147_180_559_945_309_4

    /// The natural logarithm of a positive, finite number.
    static func of(_ number: Double) -> Double {
        var (exponent, significand) = (Double(number.exponent), number.significand)
        // Near 1 from both sides, where the series is short.
        if significand > 1.414_213_562_373_095_1 {
            significand /= 2
            exponent += 1
        }
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var (sum, power) = (0.0, ratio)
        // |ratio| is below 0.172: the term behind the last is below 1e-19.
        for term in stride(from: 1.0, through: 23, by: 2) {
            sum += power / term
            power *= square
        }
        return exponent * Self.ln2 + 2 * sum
    }

    /// The number that has that logarithm; 0 where that is too small to be one.
    static func inverse(_ logarithm: Double) -> Double {
        guard logarithm > -745 else { return 0 }
        guard logarithm < 709 else { return .greatestFiniteMagnitude }
        let exponent = (logarithm / Self.ln2).rounded()
        let rest = logarithm - exponent * Self.ln2
        var (sum, term) = (1.0, 1.0)
        // |rest| is below 0.35.
        for count in 1...16 {
            term *= rest / Double(count)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(exponent), significand: sum)
    }
}
