/// Why weights cannot be imported as they were asked for; `description` is one line.
public enum TeacherImportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the file does not say, and the option that does.
  case undetermined(path: String, detail: String, option: String)
  /// An option that contradicts the file.
  case contradiction(path: String, option: String, detail: String)
  /// No file holds the named part.
  case missingPart(String, files: [String])

  public var description: String {
    switch self {
    case .undetermined(let path, let detail, let option): "\(path): \(detail); say it with \(option)"
    case .contradiction(let path, let option, let detail): "\(path): \(option) does not fit, \(detail); correct it"
    case .missingPart(let part, let files):
      "\(files.joined(separator: ", ")): no \(part) among them; give its file too"
    }
  }
}
