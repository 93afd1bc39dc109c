import Artifacts
import Foundation
import TestSupport
import Testing

/// Runs that start from the generator of another run.
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
    let pairs = ["--set", "pairs.count=8", "--set", "generator.noise_gain=0.5", "--set", "head.width=32"]
    _ = try run(["distill", "--method", "dd1", "--steps", "2", "--run", "dd1"] + pairs + small)
    let start = ["--start", "dd1/generator.h5", "--set", "stage1.steps=1", "--set", "stage1.images=20"]
    _ = try run(["distill", "--steps", "0", "--run", "dd2"] + start + small)
    func weights(_ run: String) throws -> Checkpoint.Arrays {
      try Checkpoint.read(from: folder.file(run + "/generator.h5")).ema
    }
    #expect(try weights("dd1") == weights("dd2"))
    let settings = try folder.settings(ofRun: "dd2")
    #expect((try folder.record(ofRun: "dd2")["start"] as? [String: Any])?["path"] as? String == "dd1/generator.h5")
    #expect(settings["start"] == "dd1/generator.h5" && settings["head.width"] == "32")
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
      saying: ["another start", "head.width", "leave out what you gave for it"], models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--set", "generator.noise_gain=0"] + start, status: 64,
      saying: ["generator.noise_gain has no effect"],
      models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--teacher", "shapes32-llamagen"] + start, status: 65,
      saying: ["dd1/generator.h5", "--teacher"], models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--start", "nowhere.h5"], status: 66, saying: ["nowhere.h5"], models: models)
  }
}
