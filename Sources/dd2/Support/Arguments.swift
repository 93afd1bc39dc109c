import Artifacts
import Foundation

/// The words of the command line.
enum Arguments {
  /// All but the program's name. Those that are not UTF-8 keep their bytes (`String.pathBytes`), and `~/` at the beginning
  /// of a word or of an option's value is the home folder, as in a shell: where it stands behind `=` or in quotes, the
  /// shell has left it alone.
  static let words: [String] = {
    let home = FileAccess.path(inVariable: "HOME") ?? getpwuid(getuid()).map { String(path: $0.pointee.pw_dir) }
    return (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
      CommandLine.unsafeArgv[index].map { expanded(String(path: $0), home: home) }
    }
  }()

  private static func expanded(_ word: String, home: String?) -> String {
    guard let home, let match = word.prefixMatch(of: /(-[^=]*=)?~(?=\/|$)/) else { return word }
    return (match.1 ?? "") + home + word[match.range.upperBound...]
  }
}
