// SPDX-License-Identifier: Apache-2.0

/// Columns that line up, for people.
struct TextTable {
    let header: [String]
    let rows: [[String]]

    /// The lines, without a line end behind the last; control characters in cells are escaped.
    var text: String {
        let lines = ([self.header] + self.rows).map { $0.map(\.printable) }
        var widths = [Int](repeating: 0, count: self.header.count)
        for line in lines {
            for (column, cell) in line.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        return lines.map { line in
            line.enumerated().map { column, cell in
                column == line.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
