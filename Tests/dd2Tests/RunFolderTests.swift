import Artifacts
import Foundation
import TestSupport
import Testing

/// What a run's folder may be when a run begins or goes on.
@Suite(.serialized) struct RunFolderTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  private static let smallest = [
    "--set", "stage1.steps=1", "--set", "warm_start.steps=0", "--set", "stage1.images=20", "--batch", "4",
    "--evaluate-every", "0",
  ]

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  /// One run through what can happen to it: a start that failed before it, another thread count, a damaged checkpoint, a
  /// stage's folder taken for the run's.
  @Test func aRunOutlivesWhatHappensToItsFolder() throws {
    try folder.makeFolder("run/stage1/checkpoints")
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--run", "run", "--resume"], status: 66, saying: ["no run to resume"], models: models)
    _ = try dd2.succeeding(["distill", "--steps", "1", "--run", "run"] + Self.smallest, models: models)
    let again = ["distill", "--steps", "2", "--run", "run", "--resume"]
    let other = try dd2.succeeding(again, models: models, environment: ["DD2_THREADS": "3"])
    #expect(other.log.contains("the run goes on with 3 threads where it had"), "\(other.log)")
    let starts = try String(decoding: folder.contents("run/starts.jsonl"), as: UTF8.self).split(separator: "\n")
    #expect(starts.count == 2 && starts[1].contains("3 threads") && starts[1].contains("--steps 2"))

    let run = try RunDirectory.open(folder.file("run"))
    let last = run.checkpointPath(step: 2)
    try FileHandle(forWritingTo: URL(fileURLWithPath: last)).truncate(atOffset: 1000)
    let resumed = try dd2.succeeding(again, models: models)
    #expect(resumed.log.contains("step-00000002.h5: damaged"), "\(resumed.log)")
    #expect(resumed.log.contains("distill: continuing after step 1"), "\(resumed.log)")
    #expect(try run.checkpointSteps() == [1, 2])

    // Without standard streams, as under some daemons, nothing is printed into the run's files.
    let closed = try dd2.bash("\"$DD2\" distill --steps 3 --run run --resume >&- 2>&-", models: models)
    #expect(closed.status == 74)
    _ = try dd2.succeeding(["distill", "--steps", "3", "--run", "run", "--resume"], models: models)
    #expect(try MetricLog.read(run.metricsPath).compactMap { $0["step"] } == [1, 2, 3])

    for part in ["run/stage1", "run/snapshots", "run/anew"] {
      let resume = part == "run/stage1" ? ["--resume"] : []
      try dd2.expectFailure(
        ["distill", "--steps", "4", "--run", part] + resume, status: 64,
        saying: ["is a part of the run", "give --run"],
        models: models)
    }
    #expect(!FileAccess.exists(folder.file("run/stage1/stage1")) && !FileAccess.exists(folder.file("run/anew")))
  }

  /// Pairs that cannot be read are made again; nothing has to be removed by hand.
  @Test func damagedPairsAreMadeAgain() throws {
    func distil(_ steps: String) throws -> Command.Outcome {
      let resume = steps == "1" ? [] : ["--resume"]
      return try dd2.succeeding(
        [
          "distill", "--method", "dd1", "--steps", steps, "--set", "pairs.count=8", "--batch", "4", "--run",
          "run",
        ]
          + ["--evaluate-every", "0"] + resume, models: models)
    }
    _ = try distil("1")
    let pairs = folder.file("run/pairs/pairs.h5")
    let made = try TokensOfFile(pairs)
    try FileHandle(forWritingTo: URL(fileURLWithPath: pairs)).truncate(atOffset: 500)
    let outcome = try distil("2")
    #expect(outcome.log.contains("pairs.h5: damaged") && outcome.log.contains("made anew"), "\(outcome.log)")
    #expect(try TokensOfFile(pairs) == made)
    #expect(FileAccess.exists(pairs + ".damaged"))
  }

  private struct TokensOfFile: Equatable {
    let ids: HostArray
    let labels: HostArray

    init(_ path: String) throws {
      let file = try HDF5File(reading: path)
      (ids, labels) = (try file.read("ids"), try file.read("labels"))
    }
  }
}
