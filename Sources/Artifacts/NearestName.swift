/// The name that a misspelt one is most likely meant to be.
public enum NearestName {
  /// The nearest of some names; nil where none is near.
  /// - Parameter limit: the most letters to change.
  public static func of(_ word: String, among names: [String], within limit: Int = .max) -> String? {
    let near = names.map { (name: $0, edits: edits(from: word, to: $0)) }.filter {
      $0.edits <= min(limit, 3, (word.count + 2) / 3)
    }
    return near.min { $0.edits < $1.edits }?.name ?? names.first { $0.hasPrefix(word) }
  }

  /// As a part of a sentence that goes on with what there is, `did you mean 'x'? `; empty where no name is near.
  public static func question(_ word: String, among names: [String]) -> String {
    of(word, among: names).map { "did you mean '\($0)'? " } ?? ""
  }

  /// The fewest letters to insert, remove, replace, or exchange with their neighbour, to come from one word to another.
  private static func edits(from a: String, to b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var least = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
