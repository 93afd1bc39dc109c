import Artifacts

/// The readers of other people's files that `scripts/fuzz.sh` feeds, and whose findings the tests read again.
enum FuzzedReader: String, CaseIterable {
  /// Pickles in PyTorch's zip files and in its old files, safetensors.
  case weights
  case images
  case checkpoint
  case numpy

  /// Reads all of a file, as its users do.
  func read(_ path: String) throws {
    switch self {
    case .weights:
      let file = try WeightsFile.open(path)
      for entry in file.entries { _ = try file.array(entry.name) }
      _ = try file.stateDictionary()
    case .images:
      let check = try ImageFileCheck(path)
      let image = try RGBImage.read(path, alpha: .drop)
      precondition((image.width, image.height) == (check.width, check.height), "other sides than announced")
    case .checkpoint: _ = try Checkpoint.read(from: path)
    case .numpy:
      let file = try NumPyFile.open(path)
      for entry in file.entries { _ = try file.array(entry.name) }
    }
  }

  /// Why the refusal of a damaged file is none to show to people; nil for a good one.
  static func fault(of error: ArtifactError) -> String? {
    let line = error.description
    if line.contains(where: \.isNewline) { return "more than a line: \(line)" }
    if line.utf8.count >= 2000 { return "\(line.utf8.count) bytes long: \(line.prefix(200))" }
    return error.exitCode == 65 ? nil : "exit code \(error.exitCode): \(line)"
  }
}
