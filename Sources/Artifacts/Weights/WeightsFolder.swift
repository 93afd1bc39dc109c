import Foundation

/// Where fetched weights lie.
public enum WeightsFolder {
  /// `DD2_WEIGHTS`, else `weights/` in the current folder.
  public static var path: String {
    let given = ProcessInfo.processInfo.environment["DD2_WEIGHTS"] ?? ""
    return given.isEmpty ? "weights" : given
  }
}
