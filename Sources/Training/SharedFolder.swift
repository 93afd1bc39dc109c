import Artifacts
import Foundation
import Processes

/// A folder in which a process does not find what the job's first one has written there: one of another host.
public struct FolderNotShared: Error, Equatable, CustomStringConvertible {
  /// The folder.
  public let path: String
  /// The host that has another one.
  public let host: String
  /// The first process's host.
  public let firstHost: String

  /// One line that says what to do.
  public var description: String {
    "\(host): \(path) is not the folder that \(firstHost) sees; give a folder that all hosts share"
  }
}

/// A folder that all processes of a job write to.
public enum SharedFolder {
  /// Finds out whether all processes see the same folder, which the first one has made. Called by all of them.
  /// - Parameter patience: how long a network's file system may take to show a file.
  /// - Throws: `FolderNotShared` in all processes, `ArtifactError` in the first one.
  public static func check(_ path: String, patience: Duration = .seconds(10)) throws {
    let group = ProcessGroup.current
    guard !group.isAlone else { return }
    let mark = try group.fromFirst {
      let mark = "\(path)/.dd2-\(UUID().uuidString)"
      try AtomicFile.write(Data(), to: mark, isDurable: false)
      return mark
    }
    let seen = group.gather([isSeen("\(path)/\(mark.pathName)", patience)]).map { $0[0] }
    if group.isFirst { try FileAccess.remove(mark) }
    guard let other = seen.firstIndex(of: false) else { return }
    throw FolderNotShared(path: path, host: group.host(of: other), firstHost: group.host(of: 0))
  }

  private static func isSeen(_ path: String, _ patience: Duration) -> Bool {
    let end = ContinuousClock.now + patience
    while !FileAccess.exists(path) {
      guard ContinuousClock.now < end else { return false }
      usleep(50_000)
    }
    return true
  }
}
