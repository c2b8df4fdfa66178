// SPDX-License-Identifier: Apache-2.0

/// Sorts much without keeping others waiting.
enum MergeSort {
    /// What is sorted in one go.
    private static let blockSize = 1024
    /// How many steps of the budget one comparison is.
    private static let comparisonCost = 32

    /// The places 0, 1, … of so many things, in the order of the things; stable.
    ///
    /// `order` is below zero if the first thing goes before the second, above if behind it. O(n log n) comparisons,
    /// and memory for twice the places.
    static func sorted(
        _ count: Int,
        _ budget: inout WorkBudget,
        by order: (Int, Int) -> Int
    ) async throws -> [Int] {
        var places = Array(0..<count)
        for start in stride(from: 0, to: count, by: Self.blockSize) {
            let end = min(start + Self.blockSize, count)
            places[start..<end].sort { left, right in
                let order = order(left, right)
                return order < 0 || (order == 0 && left < right)
            }
            if budget.spend((end - start) * 16 * Self.comparisonCost) { try await budget.pause() }
        }
        var merged = places
        var width = Self.blockSize
        while width < count {
            for start in stride(from: 0, to: count, by: 2 * width) {
                let (middle, end) = (min(start + width, count), min(start + 2 * width, count))
                var (left, right) = (start, middle)
                for position in start..<end {
                    // The right one first only if it must be: so equal ones keep their order.
                    let takesRight = left == middle || (right < end && order(places[right], places[left]) < 0)
                    merged[position] = places[takesRight ? right : left]
                    if takesRight { right += 1 } else { left += 1 }
                    if budget.spend(Self.comparisonCost) { try await budget.pause() }
                }
            }
            swap(&places, &merged)
            width *= 2
        }
        return places
    }
}
