import Artifacts
import Foundation
import TestSupport
import Testing

/// `dd2 runs`: what it says of runs, and what it removes of them.
@Suite(.serialized) struct RunsCommandTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func list(_ path: String) throws -> [[String: Any]] {
    try #require(try dd2.succeeding(["runs", path, "--json"]).json() as? [[String: Any]])
  }

  private func distil(_ arguments: [String]) throws {
    _ = try dd2.succeeding(["distill"] + arguments, models: models)
  }

  private func arrays(_ path: String) throws -> [String: Checkpoint.Arrays] {
    try Checkpoint.read(from: folder.file(path)).groups
  }

  /// A run of all stages, listed, cleaned and prolonged: as one that was not cleaned, bit for bit.
  @Test func aFinishedRunIsCleanedAndProlonged() throws {
    let small = [
      "--steps", "2", "--batch", "4", "--evaluate-every", "1", "--evaluate-count", "20", "--set", "stage1.steps=2",
      "--set", "stage1.images=20", "--set", "warm_start.steps=2", "--set", "pairs.count=8", "--set", "noise_levels=1",
      "--set", "stage2.first_score_updates=1", "--set", "stage2.score_updates=1", "--set", "output.checkpoint_every=1",
    ]
    try distil(small + ["--run", "runs/a"])
    for (name, bytes) in [("stage1/checkpoints/step-00000001.h5.damaged", 5), (".dd2-1-2.tmp", 7)] {
      try folder.write(Data(repeating: 1, count: bytes), "runs/a/" + name)
    }
    try FileManager.default.copyItem(atPath: folder.file("runs/a"), toPath: folder.file("b"))

    let run = try #require(try list("runs").first)
    #expect(run["run"] as? String == "runs/a" && run["kind"] as? String == "distill")
    #expect(run["state"] as? String == "finished" && run["stage"] as? String == "distill")
    #expect(run["step"] as? Int == 2 && run["steps"] as? Int == 2)
    let scores = try MetricLog.read(folder.file("runs/a/metrics.jsonl")).filter { $0["fid"] != nil }
    let best = try #require(scores.min { $0["fid", default: 0] < $1["fid", default: 0] })
    #expect(run["fid"] as? Double == best["fid"] && run["fid_step"] as? Double == best["step"])
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.file("runs/a")).sorted()

    let shown = try dd2.succeeding(["runs", "clean"])
    #expect(shown.log.contains("--yes removes them") && shown.output.contains("runs/a/pairs/pairs.h5"))
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.file("runs/a")).sorted() == names)
    let cleaned = try dd2.succeeding(["runs", "clean", "--yes"])
    #expect(cleaned.output == shown.output && cleaned.log.contains(" removed"))
    let gone = [
      ".dd2-1-2.tmp", "checkpoints/step-00000001.h5", "pairs/pairs.h5", "stage1/checkpoints/step-00000001.h5",
      "stage1/checkpoints/step-00000001.h5.damaged", "stage1/checkpoints/step-00000002.h5",
      "warm-start/checkpoints/step-00000001.h5", "warm-start/checkpoints/step-00000002.h5",
    ]
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder.file("runs/a")).sorted()
    #expect(left == names.filter { !gone.contains($0) }, "\(left)")
    #expect(try list("runs").first?["state"] as? String == "finished")
    #expect(try dd2.succeeding(["runs", "clean", "runs/a"]).output.isEmpty)

    let more = ["--steps", "3", "--resume", "--run"]
    for run in ["runs/a", "b"] { try distil(more + [run]) }
    #expect(try arrays("runs/a/checkpoints/step-00000003.h5") == arrays("b/checkpoints/step-00000003.h5"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("runs/a/stage1/checkpoints")) == [])
  }

  /// Runs in other states, made up of a record and what they may have saved.
  @Test func statesOfRuns() throws {
    try distil(
      ["--steps", "1", "--run", "first/a", "--method", "dd1", "--set", "pairs.count=4", "--batch", "2"]
        + ["--evaluate-every", "0"])
    for name in ["stopped", "failed", "running", "broken"] {
      try folder.makeFolder("runs")
      try FileManager.default.copyItem(atPath: folder.file("first/a"), toPath: folder.file("runs/" + name))
    }
    func remove(_ names: [String]) throws {
      for name in names { try FileManager.default.removeItem(atPath: folder.file("runs/" + name)) }
    }
    try remove(["stopped/generator.h5", "stopped/checkpoints", "stopped/metrics.jsonl"])
    try remove(["failed/generator.h5", "failed/checkpoints", "failed/metrics.jsonl", "failed/pairs"])
    try folder.write("{", to: "runs/broken/config.json")
    try folder.write("x", to: "runs/stopped/old.damaged")
    try folder.makeFolder("runs/none")
    let lock = try WriterLock(folder: folder.file("runs/running"))
    let states = try list("runs/").map { [$0["run"], $0["state"], $0["stage"]].map { $0 as? String ?? "-" } }
    #expect(
      states == [
        ["runs/broken", "unreadable", "-"], ["runs/failed", "failed", "pairs"], ["runs/running", "running", "dd1"],
        ["runs/stopped", "stopped", "pairs"],
      ])
    #expect(try list("first/a").first?["state"] as? String == "finished")

    let outcome = try dd2.succeeding(["runs", "clean", "--yes", "runs"])
    #expect(outcome.log.contains("runs/running: is running, left alone"))
    #expect(outcome.output.split(separator: "\n").map { $0.split(separator: " ").last } == ["runs/stopped/old.damaged"])
    #expect(FileAccess.exists(folder.file("runs/stopped/pairs/pairs.h5")))
    withExtendedLifetime(lock) {}
    try dd2.expectFailure(["runs", "runs/none"], status: 66, saying: ["runs/none: holds no runs"])
    try dd2.expectFailure(["runs", "clean", "gone"], status: 66, saying: ["gone: no such file"])
  }
}
