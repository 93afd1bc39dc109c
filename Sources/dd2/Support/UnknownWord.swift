import ArgumentParser
import Foundation

/// A command or an option that does not exist, with the one that is meant, as far as that can be told.
///
/// The parser names what it misses before what it does not know, and compares an option with those of the command that
/// it got to, which is the root where the command itself is misspelt.
struct UnknownWord: CustomStringConvertible {
  /// One line.
  let description: String

  /// The first unknown word among those that the parser refused; nil where it refused them for something else.
  init?(in words: [String], of root: ParsableCommand.Type) {
    guard let tree = try? JSONDecoder().decode(Tree.self, from: Data(root._dumpHelp().utf8)) else { return nil }
    self.init(in: words, of: tree.command)
  }

  private init?(in words: [String], of root: Command) {
    var (command, path) = (root, [root.commandName])
    func line(_ fault: String, _ hint: String?) -> String {
      "\(fault)\(hint.map { "; \($0)" } ?? "") (see '\(path.joined(separator: " ")) --help')"
    }
    for word in words.prefix(while: { $0 != "--" }) {
      if let name = Self.optionName(word) {
        let isLong = word.hasPrefix("--")
        guard !isLong || !command.optionNames.contains(name) else { continue }
        let near = Self.nearest(to: name, among: command.optionNames, within: isLong ? .max : 1)
        // With one dash it may be a value: `-inf`.
        guard isLong || near != nil else { continue }
        let owner = root.owners(of: name, path: []).first
        let hint = near.map { "did you mean '--\($0)'?" } ?? owner.map { "it is an option of '\($0)'" }
        description = line("there is no option '\(word.prefix(while: { $0 != "=" }))'", hint)
        return
      }
      guard let subcommands = command.subcommands, !word.hasPrefix("-") else { continue }
      guard let next = subcommands.first(where: { $0.commandName == word }) else {
        let hint = Self.nearest(to: word, among: subcommands.map(\.commandName)).map { "did you mean '\($0)'?" }
        description = line("there is no command '\(word)'", hint)
        return
      }
      (command, path) = (next, path + [word])
    }
    return nil
  }

  /// The name in `--name`, `--name=value` and `-name`; nil for other words, such as `-o` and `-3`.
  private static func optionName(_ word: String) -> String? {
    word.firstMatch(of: /^--?([A-Za-z][^=]+)/).map { String($0.1) }
  }

  /// The name that a word is most likely meant to be; nil where none is near.
  private static func nearest(to word: String, among names: [String], within limit: Int = .max) -> String? {
    let near = names.map { (name: $0, edits: edits(from: word, to: $0)) }.filter {
      $0.edits <= min(limit, 3, (word.count + 2) / 3)
    }
    return near.min { $0.edits < $1.edits }?.name ?? names.first { $0.hasPrefix(word) }
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

  /// What ArgumentParser tells of its commands.
  private struct Tree: Decodable { let command: Command }

  private struct Command: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable { let name: String }
      let names: [Name]?
    }
    let commandName: String
    let subcommands: [Command]?
    let arguments: [Argument]?

    /// The long ones.
    var optionNames: [String] {
      (arguments ?? []).flatMap { $0.names ?? [] }.map(\.name).filter { $0.count > 1 }
    }

    /// The commands at or below this one that have an option of a name.
    func owners(of name: String, path: [String]) -> [String] {
      let path = path + [commandName]
      return (optionNames.contains(name) ? [path.joined(separator: " ")] : [])
        + (subcommands ?? []).flatMap { $0.owners(of: name, path: path) }
    }
  }
}
