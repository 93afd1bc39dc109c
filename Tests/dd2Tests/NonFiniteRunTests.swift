import Artifacts
import Foundation
import TestSupport
import Testing

/// A run whose numbers are no numbers any more.
@Suite struct NonFiniteRunTests {
  @Test func itStopsWithOneLineAndKeepsItsLastCheckpoint() throws {
    let folder = try TemporaryFolder()
    let dd2 = Command(folder: folder)
    let smallest =
      "--set stage1.steps=1 --set warm_start.steps=0 --batch 2 --set noise_levels=1 --set stage1.images=20 --evaluate-every 0"
    let start = "distill --steps 9 --run run --generator-lr 1e30 --set output.checkpoint_every=1 " + smallest
    let outcome = try dd2(start.split(separator: " ").map(String.init), models: Command.bundledModels)
    #expect(outcome.status == 70 && outcome.output.isEmpty)
    let errors = outcome.logLines.filter { $0.hasPrefix("dd2: ") }
    #expect(errors.count == 1 && outcome.logLines.last == errors.first, "\(outcome.log)")
    let line = try #require(errors.first)
    let parts = try #require(
      line.firstMatch(
        of: /^dd2: (?:the gradient of )?([a-z0-9_.]+) is not finite at step (\d+); lower the learning rate/))
    let step = try #require(Int(parts.2))
    #expect(step > 1)
    // The step before is the last that was logged, and its checkpoint the last that was written.
    let log = try MetricLog.read(folder.file("run/metrics.jsonl"))
    #expect(log.last?["step"] == Double(step - 1))
    let run = try RunDirectory.open(folder.file("run"))
    let last = try #require(try run.latestCheckpoint())
    #expect(last.step == step - 1)
    let file = try Checkpoint.read(from: last.path, expectingKind: "distill-training")
    #expect(!file.parameters.isEmpty && !file.ema.isEmpty)
    // It is what --resume goes on from, to the same end.
    let resumed = try dd2(
      ["distill", "--steps", "9", "--run", "run", "--resume"], models: Command.bundledModels)
    #expect(resumed.status == 70 && resumed.log.contains("distill: continuing after step \(step - 1)"))
    #expect(resumed.logLines.last == line[...])
  }

  /// Finite weights that are too large: no image is better than one of made-up pixels.
  @Test(arguments: ["transformer.output.weight", "tokenizer.decoder.conv_out.weight"])
  func aTeacherThatOverflowsDrawsNothing(_ weights: String) throws {
    let folder = try TemporaryFolder()
    var file = try Checkpoint.read(
      from: Command.bundledModels + "/shapes32-llamagen-teacher.h5", expectingKind: "teacher")
    let shape = try #require(file.parameters[weights]).shape
    file.parameters[weights] = HostArray(shape: shape, [Float](repeating: 3e38, count: shape.reduce(1, *)))
    try file.write(to: folder.file("teacher.h5"))
    let outcome = try Command(folder: folder)(
      ["sample", "--teacher-steps", "--teacher", "teacher.h5", "--count", "2", "-o", "out"])
    let network = weights.hasPrefix("tokenizer") ? "tokenizer's decoder" : "teacher's transformer"
    #expect(outcome.status == 65 && outcome.output.isEmpty)
    #expect(outcome.logLines.last?.hasPrefix("dd2: the output of the \(network) is not finite; ") == true)
    #expect(try folder.names(in: "out") == ["samples.json"])
  }
}
