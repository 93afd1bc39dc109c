/// The words of a command line, before they are parsed.
enum CommandWords {
  /// Refuses what a shell makes of an empty variable: the parser would take the word behind `--output=` for the
  /// option's value, and an empty path for the current folder.
  /// - Throws: `CommandFailure`.
  static func check(_ words: [String]) throws {
    let end = words.firstIndex(of: "--") ?? words.endIndex
    for (index, word) in words.enumerated() {
      if word.isEmpty {
        let place = index == 0 ? "the first word" : "the word behind '\(words[index - 1])'"
        throw CommandFailure(.usage, "\(place) is empty; is a shell variable empty?")
      }
      if index < end, word.hasPrefix("-"), word.firstIndex(of: "=") == word.index(before: word.endIndex) {
        throw CommandFailure(.usage, "\(word) has no value; is a shell variable empty?")
      }
    }
  }
}
