/// Rows of text in aligned columns, two spaces apart; numbers are not treated apart.
struct TextTable: CustomStringConvertible {
  private let rows: [[String]]

  /// A table of rows of equal length.
  init(_ rows: [[String]]) { self.rows = rows }

  var description: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).enumerated().map { column, cell in
        column == row.count - 1
          ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count + 2)
      }
      return cells.joined()
    }.joined(separator: "\n")
  }
}
