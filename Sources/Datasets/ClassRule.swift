import Artifacts
import Foundation

/// How a user says which folder of images is which class.
public enum ClassRule: Equatable, Sendable {
  /// By the order of the folders' names as text, as torchvision's `ImageFolder` does.
  case text
  /// The folders' names are the numbers of their classes.
  case numbers
  /// By a list, read from `path`.
  case list([String: Int], path: String)

  /// Reads a list of classes: a line per folder, its name, then white space, a comma or a tab, and the number of its
  /// class. Empty lines and lines that begin with # say nothing.
  /// - Throws: `ArtifactError` for a file that cannot be read, or with a line of another form.
  public static func list(reading path: String) throws -> ClassRule {
    guard let text = String(validating: try FileAccess.contents(of: path), as: UTF8.self) else {
      throw ArtifactError.wrongFormat(path: path, detail: "not a list of classes in UTF-8")
    }
    // What spreadsheets write before UTF-8.
    let lines = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
    var numbers: [String: Int] = [:]
    for (index, line) in lines.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.trimmingCharacters(in: .whitespacesAndNewlines)
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      guard let match = line.wholeMatch(of: /(.*?\S)\s*[\s,]\s*(\d{1,9})/), let number = Int(match.2) else {
        throw ArtifactError.wrongFormat(
          path: path, detail: "line \(index + 1) is not a folder's name and a class's number, such as 'cat 3'")
      }
      let name = unquoted(match.1)
      guard numbers.updateValue(number, forKey: name) ?? number == number else {
        throw ArtifactError.wrongFormat(path: path, detail: "line \(index + 1) gives \(name) a second number")
      }
    }
    return .list(numbers, path: path)
  }

  /// A name without the quotes that a table's writer puts around commas and blanks.
  private static func unquoted(_ name: Substring) -> String {
    guard name.count >= 2, name.hasPrefix("\""), name.hasSuffix("\"") else { return String(name) }
    return String(name.dropFirst().dropLast()).replacing("\"\"", with: "\"")
  }
}

/// What is known of the classes of images before their folder is looked at.
public struct KnownClasses: Sendable {
  /// Number of classes; nil where they are those of the images, as for a teacher that is yet to be trained.
  public var count: Int?
  /// Their numbers by the names of folders.
  public var numbers: [String: Int]
  /// Whether a folder of another name is none of them.
  public var hasAllNames: Bool

  public init(count: Int? = nil, numbers: [String: Int] = [:], hasAllNames: Bool = false) {
    (self.count, self.numbers, self.hasAllNames) = (count, numbers, hasAllNames)
  }
}

/// Which classes images are of, as runs and token files record it.
public enum ClassMapping: Codable, Equatable, Sendable {
  /// A folder per class: the class's number by the folder's name.
  case folders(numbers: [String: Int])
  /// The number stands in each image's name, as in `000123-class3.png`.
  case fileNames
  /// All images are of one class.
  case single
}
