import Artifacts
import Foundation
import TestSupport
import Testing

/// Runs that take a generator, pairs or stage 1 of another run.
@Suite(.serialized) struct RunsFromRunsTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func run(_ arguments: [String]) throws -> Command.Outcome { try dd2.succeeding(arguments, models: models) }

  /// A run that starts from a generator file begins with that generator's weights and structure.
  @Test func aRunStartsFromAnotherRunsGenerator() throws {
    let small = ["--batch", "4", "--evaluate-every", "0"]
    let pairs = ["--pairs", "8", "--noise-gain", "0.5", "--head-width", "32"]
    _ = try run(["distill", "--method", "dd1", "--steps", "2", "--run", "dd1"] + pairs + small)
    let start = ["--start", "dd1/generator.h5", "--stage1-steps", "1", "--training-images", "20"]
    _ = try run(["distill", "--steps", "0", "--run", "dd2"] + start + small)
    func weights(_ run: String) throws -> Checkpoint.Arrays {
      try Checkpoint.read(from: folder.file(run + "/generator.h5")).ema
    }
    #expect(try weights("dd1") == weights("dd2"))
    let settings = try folder.distillationSettings(ofRun: "dd2")
    #expect((settings["startFile"] as? [String: Any])?["path"] as? String == "dd1/generator.h5")
    #expect((settings["head"] as? [String: Any])?["width"] as? Int == 32)
    let path = folder.file("dd1/generator.h5")
    let generator = try Data(contentsOf: URL(fileURLWithPath: path))
    try (generator + [0]).write(to: URL(fileURLWithPath: path))
    let resume = ["--run", "dd2", "--resume"]
    let changed = try dd2(["distill", "--steps", "1"] + resume, models: models)
    #expect(changed.status == 65 && changed.log.contains("dd1/generator.h5: it has changed"), "\(changed.log)")
    try generator.write(to: URL(fileURLWithPath: path))
    _ = try run(["distill", "--steps", "1"] + resume)
    let one = try weights("dd2")
    #expect(try weights("dd1") != one)
    // From its first checkpoint on, the run no longer needs the file.
    try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
    _ = try run(["distill", "--steps", "2"] + resume)
    #expect(try weights("dd2") != one)
    try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
    // A preset asks for a run without it.
    try dd2.expectFailure(
      ["distill", "--steps", "3", "--preset", "shapes32-var"] + small + resume, status: 64,
      saying: ["another adaptation", "startFile", "give --start again or leave out --preset"], models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--noise-gain", "0"] + start, status: 64, saying: ["--noise-gain", "--start"],
      models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--teacher", "shapes32-llamagen"] + start, status: 65,
      saying: ["dd1/generator.h5", "--teacher"], models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--start", "nowhere.h5"], status: 66, saying: ["nowhere.h5"], models: models)
  }

  /// A run on another generator's pairs takes that one's guidance for its own.
  @Test func aRunLearnsAnotherGeneratorsPairs() throws {
    let small = ["--batch", "4", "--evaluate-every", "0", "--pairs", "8", "--method", "dd1", "--steps"]
    _ = try run(["distill", "--run", "chain", "--cfg", "1"] + small + ["1"])
    let from = ["distill", "--parts", "1", "--pairs-from", "chain/generator.h5"] + small
    _ = try run(from + ["1", "--run", "single"])
    let settings = try folder.distillationSettings(ofRun: "single")
    #expect((settings["pairsFile"] as? [String: Any])?["path"] as? String == "chain/generator.h5")
    #expect((settings["guidance"] as? [String: Any])?["cfg"] as? Double == 1)
    // The command repeated goes on as well as one without its settings.
    _ = try run(["distill", "--steps", "2", "--run", "single", "--resume"])
    _ = try run(from + ["3", "--run", "single", "--resume"])
    try dd2.expectFailure(
      ["distill", "--steps", "4", "--run", "single", "--resume", "--pairs-from", "single/generator.h5"], status: 64,
      saying: ["another pairsFile"], models: models)
    try dd2.expectFailure(
      from + ["1", "--cfg", "2"], status: 64, saying: ["chain/generator.h5", "--cfg"], models: models)
    try dd2.expectFailure(
      from + ["1", "--teacher", "shapes32-llamagen"], status: 65, saying: ["chain/generator.h5", "--teacher"],
      models: models)
  }

  /// A run with another's stage 1 ends where it would with one of its own, and needs the other no longer.
  @Test func aRunTakesAnotherRunsStage1() throws {
    let small = ["distill", "--steps", "1", "--warm-start", "none", "--batch", "4", "--evaluate-every", "0"]
    let own = ["--stage1-steps", "2", "--training-images", "20"]
    let from = ["--stage1-from", "chain"]
    _ = try run(small + own + ["--run", "chain", "--cfg", "1"])
    _ = try run(small + own + ["--run", "own", "--parts", "1", "--cfg", "1"])
    let taking = small + from + ["--parts", "1", "--cfg", "1", "--run", "taking"]
    let taken = try run(taking)
    #expect(!taken.log.contains("encoding") && taken.log.contains("stage1: all 2 steps done before"), "\(taken.log)")
    func generator(_ run: String) throws -> Checkpoint.Arrays {
      try Checkpoint.read(from: folder.file(run + "/generator.h5")).ema
    }
    #expect(try generator("taking") == generator("own"))
    let settings = try folder.distillationSettings(ofRun: "taking")
    let path = (settings["stage1File"] as? [String: Any])?["path"] as? String
    #expect(path == "chain/stage1/checkpoints/step-00000002.h5")
    #expect(settings["stage1Steps"] as? Int == 2 && settings["trainingImages"] as? Int == 20)
    _ = try run(taking + ["--resume"])

    func refusal(_ options: [String], status: Int32 = 64, saying words: [String]) throws {
      try dd2.expectFailure(small + options, status: status, saying: words, models: models)
    }
    try refusal(from, saying: ["chain", "another guidance", "--stage1-from"])
    try refusal(from + ["--cfg", "2", "--head-width", "32"], saying: ["another guidance, head"])
    try refusal(from + ["--cfg", "1", "--teacher", "shapes32-llamagen"], saying: ["another teacher"])
    try refusal(from + ["--cfg", "1", "--stage1-steps", "2"], saying: ["--stage1-steps", "--stage1-from"])
    try refusal(["--stage1-from", "nowhere"], status: 66, saying: ["nowhere/stage1/config.json"])
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--method", "dd1"] + from, status: 64, saying: ["--stage1-from", "dd1"],
      models: models)

    try FileManager.default.removeItem(atPath: folder.file(path ?? ""))
    try refusal(from + ["--cfg", "1"], saying: ["chain: its stage 1 is not done"])
    _ = try run(["distill", "--steps", "2", "--run", "taking", "--resume"])
  }
}
