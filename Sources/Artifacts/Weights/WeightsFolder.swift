/// Where fetched weights lie.
public enum WeightsFolder {
  /// `DD2_WEIGHTS`, else `weights/` in the current folder.
  public static var path: String { FileAccess.path(inVariable: "DD2_WEIGHTS") ?? "weights" }
}
