import Artifacts
import Foundation
import TestSupport
import Testing

/// The main job with the bundled models, end to end at the smallest sizes: distil, resume, sample, score.
@Suite(.serialized) struct PipelineTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  private static let smallest = [
    "--set", "stage1.steps=2", "--set", "warm_start.steps=0", "--set", "stage1.images=20", "--batch", "4",
    "--set", "stage2.regression_weight=0", "--evaluate-every", "0",
  ]

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func run(_ arguments: [String]) throws -> Command.Outcome { try dd2.succeeding(arguments, models: models) }

  /// A preset chooses its teacher and settings; a file, `--set` and options take precedence, in this order.
  @Test func presetsFilesAndSettingsReachTheRun() throws {
    try folder.write("average: {ramp: 4, decay: 0.5}\nbatch: 2\nstage2:\n  generator_constant_steps: 7\n", to: "s.yaml")
    let arguments = ["distill", "--steps", "1", "--preset", "shapes32-llamagen", "--run", "run", "--config", "s.yaml"]
    _ = try run(
      arguments + ["--set", "generator.noise_gain=0.5", "--set", "generator.parts=3", "--set", "average.decay=0.25"]
        + Self.smallest)
    let config = try JSONSerialization.jsonObject(with: folder.contents("run/config.json"))
    let record = try #require((config as? [String: Any])?["settings"] as? [String: Any])
    let teacher = try #require((record["teacher"] as? [String: Any])?["path"] as? String)
    #expect(teacher.hasSuffix("shapes32-llamagen-teacher.h5"))
    let settings = try folder.settings(ofRun: "run")
    for (path, value) in [
      ("stage2.first_score_updates", "20"), ("batch", "4"), ("stage2.loss", "dmd"), ("average.ramp", "4"),
      ("stage2.generator_constant_steps", "7"), ("generator.noise_gain", "0.5"), ("generator.parts", "3"),
      ("average.decay", "0.25"), ("warm_start.steps", "0"), ("teacher", "shapes32-llamagen"),
    ] {
      #expect(settings[path] == value, "\(path)")
    }
    let state = try Checkpoint.read(from: folder.file("run/generator.h5")).ema
    for place in ["", "parts.1.", "parts.2."] {
      #expect(state.keys.contains(place + "noise_gain.bias"))
    }
    _ = try run(["sample", "--checkpoint", "run/generator.h5", "-o", "out", "--count", "2"])
    #expect(try folder.sampleRecord(in: "out")["calls_per_image"] as? Int == 3)
    // The record of a run gives another run the same settings.
    _ = try run(["distill", "--config", "run/config.json", "--run", "again"])
    let weights = try Checkpoint.read(from: folder.file("again/generator.h5")).ema
    #expect(weights == state)
    #expect(try folder.settings(ofRun: "again") == settings)
  }

  /// What `dd2 presets NAME` prints gives back the preset; names and values that are none are errors with their file.
  @Test func aPrintedPresetCanBeEditedAndGivenBack() throws {
    let printed = try run(["presets", "shapes32-var"]).output
    try folder.write(printed.replacing("  steps: 1600", with: "  steps: 0"), to: "mine.yaml")
    let mine = try run(["distill", "--dry-run", "--config", "mine.yaml"] + Self.smallest).output
    let preset = try run(["distill", "--dry-run"] + Self.smallest).output
    func settings(_ text: String) -> [Substring] {
      Array(text.split(separator: "\n").prefix { !$0.hasPrefix("PARAM") })
    }
    #expect(settings(mine) == settings(preset) && settings(mine).count > 40)
    for (text, words) in [
      (
        "stage2: {score_update: 3}",
        ["bad.yaml: there is no setting 'stage2.score_update'", "did you mean 'stage2.score_updates'?"]
      ),
      ("batch: 0", ["bad.yaml: batch is 0; give 1 to 65536"]), ("batch: [1]", ["bad.yaml", "a list"]),
      ("batch: 1\nbatch: 2", ["bad.yaml"]), ("just words", ["bad.yaml", "no settings"]),
      ("a: {b", ["bad.yaml", "no YAML"]),
    ] {
      try folder.write(text, to: "bad.yaml")
      let outcome = try dd2(["distill", "--steps", "1", "--config", "bad.yaml"], models: models)
      #expect((64...65).contains(outcome.status) && outcome.logLines.count == 1)
      for word in words { #expect(outcome.log.contains(word), "\(outcome.log)") }
    }
  }

  /// Never the bundled teacher in its place.
  @Test func aPublishedPresetNamesATeacherThatIsAFile() throws {
    try folder.write(try run(["presets", "var-d16"]).output, to: "var-d16.yaml")
    try dd2.expectFailure(
      ["distill", "--config", "var-d16.yaml"], status: 66, saying: ["var-d16.h5: no such teacher"], models: models)
  }

  /// The page of settings is the program's own.
  @Test func thePageOfSettingsIsGenerated() throws {
    let page = URL(fileURLWithPath: models).deletingLastPathComponent().appendingPathComponent("docs/settings.md")
    #expect(try String(contentsOf: page, encoding: .utf8) == run(["presets", "--markdown"]).output)
  }

  @Test func aDryRunTellsWhatARunTakesAndWritesNothing() throws {
    let outcome = try run(["distill", "--dry-run", "--steps", "3"] + Self.smallest)
    for word in ["stage2.score_updates", "score network", "MEMORY of an update: ", "GB available", "in all"] {
      #expect(outcome.output.contains(word), "\(outcome.output)")
    }
    #expect(try folder.names(in: ".") == ["no-models"].filter { _ in false })
  }

  /// The paper's head, which has no token logits, and the rate that it wants for stage 1.
  @Test func theLinearHeadReachesTheRun() throws {
    let linear = ["distill", "--set", "head.estimate=linear", "--set", "stage1.learning_rate=0.001"] + Self.smallest
    _ = try run(linear + ["--steps", "1", "--run", "run"])
    _ = try run(linear + ["--steps", "2", "--run", "run", "--resume"])
    let settings = try folder.settings(ofRun: "run")
    #expect(settings["head.estimate"] == "linear" && settings["stage1.learning_rate"] == "0.001")
    let state = try Checkpoint.read(from: folder.file("run/generator.h5")).ema
    #expect(!state.keys.contains { $0.contains("classifier") || $0.contains("noise_gain") })
    // Nothing of the teacher's posterior is in it: its error begins far from the other head's.
    let errors = try MetricLog.read(folder.file("run/stage1/metrics.jsonl")).compactMap { $0["gts"] }
    #expect(errors.count == 2 && errors[0] > 0.5, "\(errors)")
    _ = try run(["sample", "--one-step", "--checkpoint", "run/generator.h5", "-o", "out", "--count", "2"])
  }

  /// LlamaGen's recipe in one run: a chain is distilled, draws the pairs, and one network learns them; interrupted, moved on
  /// and prolonged.
  @Test func oneRunLeadsToOneNetwork() throws {
    let small = ["--batch", "4", "--set", "stage1.steps=1", "--set", "stage1.images=20", "--evaluate-every", "0"]
    func command(_ steps: String, preset: String = "shapes32-llamagen") -> [String] {
      [
        "distill", "--steps", steps, "--preset", preset, "--run", "run", "--set", "warm_start.steps=1", "--set",
        "pairs.count=8",
      ] + small
    }
    let chain = ["--set", "chain.steps=1", "--set", "chain.warm_start_steps=1"]
    let begun = try run(command("1") + chain)
    for word in ["stage 1 of 7: stage1", "stage 2 of 7: chain's pairs", "stage 4 of 7: chain", "stage 7 of 7: distill"]
    {
      #expect(begun.log.contains(word), "\(begun.log)")
    }
    let sound = try folder.contents("run/chain/generator.h5")
    let resumed = try run(command("2") + chain + ["--resume"])
    // Of what came before, the last stage reads the pairs that it learns.
    #expect(resumed.log.contains("pairs: all 8 pairs done") && !resumed.log.contains("chain: "), "\(resumed.log)")
    #expect(try folder.contents("run/chain/generator.h5") == sound)
    _ = try run(["distill", "--steps", "3", "--run", "run", "--resume"])
    try dd2.expectFailure(
      command("4", preset: "shapes32-var") + ["--resume"], status: 64,
      saying: ["another", "chain.parts", "stage2.regression_weight"], models: models)
    let logs = try ["stage1", "chain/pairs", "chain/warm-start", "chain", "pairs", "warm-start", "."].map {
      try MetricLog.read(folder.file("run/\($0)/metrics.jsonl"))
    }
    // Time is counted over all stages.
    let seconds = logs.flatMap { $0.compactMap { $0["seconds"] } }
    #expect(seconds == seconds.sorted() && seconds.count == 9)
    let last = try #require(logs[6].last)
    #expect(last["csd"] != nil && last["cross_entropy"] != nil && last["step"] == 3)
    _ = try run(["sample", "--one-step", "--checkpoint", "run/generator.h5", "-o", "out", "--count", "2"])
    let sample = try folder.sampleRecord(in: "out")
    #expect(sample["calls_per_image"] as? Int == 1)
    #expect("\(sample["teacher"] ?? "")".contains("llamagen"))
    _ = try run(["sample", "--checkpoint", "run/chain/generator.h5", "-o", "chained", "--count", "2"])
    #expect(try folder.sampleRecord(in: "chained")["calls_per_image"] as? Int == 4)
  }

  @Test func morePartsThanStagesAreRefused() throws {
    for setting in ["generator.parts=7", "chain.parts=7"] {
      let outcome = try dd2(["distill", "--steps", "1", "--set", setting, "--run", "run"], models: models)
      #expect(outcome.status == 64)
      #expect(outcome.log.contains("7 parts for a teacher that draws in 6 stages; 1 to 6 are possible"))
      #expect(try folder.names(in: ".").contains("run") == false)
    }
  }

  @Test func distillsSamplesAndScores() throws {
    let distilled = try run(["distill", "--steps", "2"] + Self.smallest)
    #expect(distilled.log.contains("distill 2/2 steps, 100%"))
    let sampled = try run(["sample", "--one-step", "-o", "out/", "--count", "12", "--grid"])
    #expect(sampled.log.contains("generator runs/"))
    let images = try folder.names(in: "out").filter { $0.hasSuffix(".png") && $0 != "grid.png" }
    #expect(images.count == 12)
    #expect(try folder.sampleRecord(in: "out")["calls_per_image"] as? Int == 1)
    let score = try #require(try run(["fid", "--ref", "shapes32", "--json"]).json() as? [String: Any])
    #expect(score["count"] as? Int == 12)
    #expect((score["fid"] as? Double ?? -1) > 0)
    #expect(score["comparable_with_inception"] as? Bool == false)
  }

  @Test func equalSettingsGiveEqualFilesWhereverTheyLie() throws {
    for run in ["--run=a", "--run=b"] { _ = try self.run(["distill", "--steps", "2", run] + Self.smallest) }
    for name in ["generator.h5", "checkpoints/step-00000002.h5"] {
      let (a, b) = (folder.file("a/" + name), folder.file("b/" + name))
      #expect(try Data(contentsOf: URL(fileURLWithPath: a)) == Data(contentsOf: URL(fileURLWithPath: b)), "\(name)")
    }
    // The time that a step took is all that differs.
    func metrics(_ run: String) throws -> [[String: Double]] {
      try MetricLog.read(folder.file(run + "/metrics.jsonl")).map { $0.filter { !$0.key.hasSuffix("seconds") } }
    }
    let logged = try metrics("a")
    #expect(logged.count == 2 && logged[0].count > 3)
    #expect(try metrics("b") == logged)
  }

  @Test func aResumedFeatureNetworkIsTheSameFile() throws {
    let train = ["teacher", "train", "--features", "--run", "net"]
    _ = try run(train + ["--feature-steps", "2", "--seed", "3"])
    let path = folder.file("net/features.h5")
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try FileManager.default.removeItem(atPath: path)
    _ = try run(train + ["--resume"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
    try dd2.expectFailure(
      train + ["--resume", "--seed", "4"], status: 64, saying: ["--seed 4 differs from the run's 3"])
  }

  @Test func aResumedRunWritesTheSameGenerator() throws {
    let whole = ["distill", "--steps", "3", "--run", "whole"] + Self.smallest
    _ = try run(whole)
    _ = try run(["distill", "--steps", "1", "--run", "parts"] + Self.smallest)
    _ = try run(["distill", "--steps", "3", "--run", "parts", "--resume"])
    func averages(_ run: String) throws -> Checkpoint.Arrays {
      try Checkpoint.read(from: folder.file(run + "/generator.h5")).ema
    }
    #expect(try averages("whole") == averages("parts"))
  }

  /// Hiding progress hides no warning; here the log tells of first rounds that were better by far.
  @Test func warningsOfARunAreToldWithoutItsProgress() throws {
    _ = try run(["distill", "--steps", "1", "--run", "run"] + Self.smallest)
    let values = [Double](repeating: 1e-9, count: 10) + [Double](repeating: 1, count: 9)
    try folder.write(values.map { "{\"step\": 1, \"fcs\": \($0)}\n" }.joined(), to: "run/metrics.jsonl")
    let resumed = try dd2.succeeding(
      ["distill", "--steps", "2", "--run", "run", "--resume"], models: models, environment: ["DD2_LOG": "warning"])
    #expect(resumed.log.contains("warning: fcs went from"), "\(resumed.log)")
    #expect(!resumed.log.contains("saved "))
  }

  @Test func evaluateMeasuresGeneratorsAloneWhereAsked() throws {
    let evaluate = ["evaluate", "--count", "20", "--few-step", "2", "--json"]
    func methods(_ arguments: [String]) throws -> [String] {
      let outcome = try run(arguments)
      #expect(outcome.log.contains("WARNING: 20 images in each row for 128 features"), "\(outcome.log)")
      let rows = try #require(try outcome.json() as? [[String: Any]])
      #expect(rows.allSatisfy { ($0["fid"] as? Double ?? -1) > 0 })
      return rows.compactMap { $0["method"] as? String }
    }
    let alone = try methods(evaluate + ["--generators-only"])
    #expect(alone.count == 2 && alone[0].hasPrefix("one step") && alone[1].hasPrefix("2 steps"))
    let all = try methods(evaluate + ["--cfg", "0"])
    #expect(all.suffix(2) == alone[...])
    try dd2.expectFailure(
      ["evaluate", "--teacher", models + "/shapes32-var-teacher.h5", "--generators-only"], status: 64,
      saying: ["--generators-only", "--checkpoint"], models: models)
  }

  @Test func theBundledGeneratorDrawsTheSameImagesInAnyNumber() throws {
    _ = try run(["sample", "--one-step", "-o", "few", "--count", "3"])
    _ = try run(["sample", "--one-step", "-o", "many", "--count", "30", "--batch", "7"])
    for name in try folder.names(in: "few") where name.hasSuffix(".png") {
      #expect(try folder.imageDifference("few/" + name, "many/" + name) <= 1, "\(name)")
    }
  }

  @Test func aLlamaGenTeacherIsTrainedSampledAndDistilled() throws {
    _ = try run(["data", "render", "-o", "flat", "--count", "70"])
    for name in try folder.names(in: "flat") {
      // 000012-disk-class2.png: a subfolder per class.
      let label = try #require(name.split(separator: "-").last?.dropLast(".png".count))
      let target = try folder.makeFolder("images/\(label)") + "/" + name
      try FileManager.default.moveItem(atPath: folder.file("flat/" + name), toPath: target)
    }
    let trained = try run([
      "teacher", "train", "--family", "llamagen", "--data", "images", "--run", "teacher", "--tokenizer-steps", "2",
      "--transformer-steps", "1",
    ])
    #expect(trained.output == "teacher/teacher.h5\n")
    let inspected = try #require(
      try run(["teacher", "inspect", "teacher/teacher.h5", "--json"]).json() as? [String: Any])
    #expect(inspected["family"] as? String == "LlamaGen")
    #expect(inspected["token_count"] as? Int == 64 && inspected["image_side"] as? Int == 32)
    #expect(inspected["vocabulary"] as? Int == 256 && inspected["latent_dimension"] as? Int == 8)
    let text = try run(["teacher", "inspect", "teacher/teacher.h5"]).output
    #expect(text.contains("64 in 64 stages (1 each)"))
    let teacher = ["--teacher", "teacher/teacher.h5"]
    _ = try run(["teacher", "sample", "-o", "drawn", "--count", "3", "--cfg", "2"] + teacher)
    #expect(try folder.names(in: "drawn").count == 4)
    // It has never seen the built-in images, which must not be taken for its own.
    _ = try run(["distill", "--steps", "1", "--run", "blind"] + teacher + Self.smallest)
    #expect(try folder.settings(ofRun: "blind")["data"] == "teacher")
    try dd2.expectFailure(
      ["evaluate", "--count", "20", "--generators-only"] + teacher, status: 65,
      saying: ["teacher/teacher.h5: has learned from images", "dd2 sample", "dd2 fid"], models: models)
    let distill = ["distill", "--data", "images", "--run", "student"] + teacher + Self.smallest
    _ = try run(distill + ["--steps", "1"])
    // Its family's preset; the images may move between sessions.
    #expect(try folder.settings(ofRun: "student")["stage2.loss"] == "dmd")
    try FileManager.default.moveItem(atPath: folder.file("images"), toPath: folder.file("moved"))
    _ = try run(["distill", "--data", "moved", "--run", "student", "--steps", "2", "--resume"])
    #expect(try folder.settings(ofRun: "student")["data"] == "moved")
    try dd2.expectFailure(
      ["distill", "--data", "moved", "--run", "student", "--steps", "1", "--resume"], status: 64,
      saying: ["--steps is 1", "has made 2"], models: models)
    let student = ["--checkpoint", "student/generator.h5"]
    _ = try run(["sample", "--one-step", "-o", "out", "--count", "2"] + student + teacher)
    #expect(try folder.names(in: "out").count == 3)
    // Images that have moved must not have become of more classes.
    try FileManager.default.copyItem(atPath: folder.file("moved/class0"), toPath: folder.file("moved/one-more"))
    try dd2.expectFailure(
      ["teacher", "train", "--data", "moved", "--resume", "--run", "teacher"], status: 65,
      saying: ["moved: its folder one-more is none of the run's classes"])
    try dd2.expectFailure(
      ["teacher", "train", "--family", "var", "--resume", "--run", "teacher"], status: 64,
      saying: ["--family VAR differs from the run's LlamaGen"])
  }

  @Test func theManifestListsTheBundledFiles() throws {
    let listed = try #require(try run(["weights", "verify", "--json"]).json() as? [[String: Any]])
    let files = try FileManager.default.contentsOfDirectory(atPath: models).filter { $0.hasSuffix(".h5") }
    #expect(listed.compactMap { $0["path"] as? String }.sorted() == files.map { "Models/" + $0 }.sorted())
    #expect(listed.allSatisfy { $0["ok"] as? Bool == true })
  }
}
