import ArgumentParser
import Artifacts
import Foundation

/// A command or an option that does not exist, with the one that is meant, where that is clear.
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
        let near = NearestName.of(name, among: command.optionNames, within: isLong ? .max : 1)
        // With one dash it may be a value: `-inf`.
        guard isLong || near != nil else { continue }
        let owner = root.owners(of: name, path: []).first
        let hint = near.map { "did you mean '--\($0)'?" } ?? owner.map { "it is an option of '\($0)'" }
        description = line("there is no option '\(word.prefix(while: { $0 != "=" }))'", hint)
        return
      }
      guard let subcommands = command.subcommands, !word.hasPrefix("-") else { continue }
      guard let next = subcommands.first(where: { $0.isCalled(word) }) ?? command.byDefault else {
        let hint = NearestName.of(word, among: subcommands.map(\.commandName)).map { "did you mean '\($0)'?" }
        description = line("there is no command '\(word)'", hint)
        return
      }
      (command, path) = (next, path + [next.commandName])
    }
    return nil
  }

  /// The name in `--name`, `--name=value` and `-name`; nil for other words, such as `-o` and `-3`.
  private static func optionName(_ word: String) -> String? {
    word.firstMatch(of: /^--?([A-Za-z][^=]+)/).map { String($0.1) }
  }

  /// What ArgumentParser says of its commands.
  private struct Tree: Decodable { let command: Command }

  private struct Command: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable { let name: String }
      let names: [Name]?
    }
    let commandName: String
    let aliases: [String]?
    let subcommands: [Command]?
    let defaultSubcommand: String?
    let arguments: [Argument]?

    func isCalled(_ word: String) -> Bool { commandName == word || aliases?.contains(word) ?? false }

    /// The subcommand that words are for which name none.
    var byDefault: Command? { subcommands?.first { $0.commandName == defaultSubcommand } }

    /// The long ones.
    var optionNames: [String] {
      (arguments ?? []).flatMap { $0.names ?? [] }.map(\.name).filter { $0.count > 1 } + (byDefault?.optionNames ?? [])
    }

    /// The commands at or below this one that have an option of a name.
    func owners(of name: String, path: [String]) -> [String] {
      let path = path + [commandName]
      return (optionNames.contains(name) ? [path.joined(separator: " ")] : [])
        + (subcommands ?? []).flatMap { $0.owners(of: name, path: path) }
    }
  }
}
