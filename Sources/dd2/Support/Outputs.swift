import Artifacts
import Foundation

/// Checks of where results go, made before the work whose result would be lost.
enum Outputs {
  /// - Throws: `CommandFailure` where writing `output` would replace one of the files that are read.
  static func requireOther(than inputs: [String], _ output: String?, option: String) throws {
    guard let output, let input = inputs.first(where: { FileAccess.areSame($0, output) }) else { return }
    throw CommandFailure(.usage, "\(option) \(output): is the file \(input) that is read; choose another name")
  }

  /// - Throws: `CommandFailure` where the folder of a file to be written is not there or takes none.
  static func requireWritable(_ output: String) throws {
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
    guard access(folder, W_OK | X_OK) == 0 else {
      throw ArtifactError.cannotCreate(path: output, detail: String(cString: strerror(errno)))
    }
  }
}
