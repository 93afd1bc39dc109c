/// A stage as a run's folder shows it.
public struct RunStage: Equatable, Sendable {
  /// As in the stage's events.
  public let name: String
  /// Its folder below the run's; empty for the run's own.
  public let folder: String
  /// Its steps, in the unit of its events.
  public let steps: Int
  /// Whether a finished run goes on from what is in it when it is resumed.
  public let isNeededAfterwards: Bool

  /// A stage.
  public init(name: String, folder: String, steps: Int, isNeededAfterwards: Bool) {
    (self.name, self.folder, self.steps) = (name, folder, steps)
    self.isNeededAfterwards = isNeededAfterwards
  }
}
