/// A run as the page of a report shows it; the page's script reads it as JSON.
public struct ReportedRun: Encodable, Sendable {
  /// A setting and its value.
  struct Setting: Encodable, Equatable, Sendable {
    let name: String
    let value: String
    /// That of the nearest preset; nil where there is none to compare with.
    let usual: String?
  }

  /// A line of words on how the run goes.
  struct Verdict: Encodable, Equatable, Sendable {
    /// Whether there is something to do.
    let isWarning: Bool
    let text: String
  }

  /// A metric over the records of a stage.
  struct Series: Encodable, Sendable {
    let name: String
    /// What it is, in words.
    let about: String
    /// A value for each record; nil where it has none.
    let values: [Double?]
    /// Within these it is as in good runs; nil where nothing is known, or on one side.
    let healthyFrom: Double?
    let healthyTo: Double?
  }

  /// One stage's log.
  struct Stage: Encodable, Sendable {
    let name: String
    let steps: [Double]
    /// Seconds of training when the record was made, earlier stages included.
    let seconds: [Double?]
    let processorSeconds: [Double?]
    let series: [Series]
  }

  /// A grid of images.
  struct Snapshot: Encodable, Sendable {
    let stage: String
    let step: Int
    /// A data URL.
    let image: String
  }

  /// The folder's name.
  let name: String
  package let state: RunSummary.State
  /// The method, `dd2` or `dd1`; nil for a teacher's training.
  let method: String?
  /// What was run, in pairs of a name and a value.
  let facts: [[String]]
  /// The nearest preset; nil for a teacher's training.
  let preset: String?
  let settings: [Setting]
  let verdicts: [Verdict]
  /// The stages in order, the run's own last.
  let stages: [Stage]
  let snapshots: [Snapshot]
}
