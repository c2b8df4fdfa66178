// SPDX-License-Identifier: Apache-2.0

/// Fisher's way of making one probability of many: the distribution of chi-square with an even number of degrees of freedom.
enum ChiSquare {
    /// The probability that the value is at least `2 * half`, with `2 * pairs` degrees of freedom.
    ///
    /// It is the sum of `e^-half * half^i / i!` for all i below `pairs`. The terms are added relative to the largest one,
    /// for where evidence is strong each of them may be too small to be a number.
    static func upperTail(half: Double, pairs: Int) -> Double {
        guard half > 0, pairs > 0 else { return 1 }
        let step = Logarithm.of(half)
        var logarithms = [-half]
        for index in stride(from: 1, to: pairs, by: 1) {
            logarithms.append(logarithms[index - 1] + step - Logarithm.of(Double(index)))
        }
        let largest = logarithms.max() ?? 0
        let sum = logarithms.reduce(0) { $0 + Logarithm.inverse($1 - largest) }
        return min(1, Logarithm.inverse(largest + Logarithm.of(sum)))
    }
}
