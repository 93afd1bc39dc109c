import Artifacts
import Foundation
import TestSupport
import Testing

/// Commands on the bundled models, end to end, at the smallest sizes.
@Suite struct BundledModelTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func run(_ arguments: String, in place: Command? = nil) throws -> Command.Outcome {
    try (place ?? dd2).succeeding(arguments.split(separator: " ").map(String.init), models: Command.bundledModels)
  }

  @Test func scoresAFolder() throws {
    _ = try run("data render -o out --count 230 --split held-out --grid")
    let text = try run("fid --ref shapes32")
    #expect(text.output.hasPrefix("FID ") && text.output.contains("not comparable with Inception FID"))
    #expect(text.log.contains("features 230/230 images, 100%"))
    let json = try run("fid --ref shapes32 --images out --json").json() as? [String: Any]
    #expect(json?["count"] as? Int == 230)
    #expect(json?["reference"] as? String == "shapes32")
    #expect(json?["images"] as? String == "out")
    #expect(json?["extractor"] as? String == "shapes32-net/pool")
    #expect(json?["comparable_with_inception"] as? Bool == false)
    #expect((json?["weights_sha256"] as? String)?.count == 64)
    let distance = try #require(json?["fid"] as? Double)
    #expect(distance > 0 && distance < 100)
    // A folder is its own reference.
    let own = try run("fid --ref out --extractor shapes32 --json").json() as? [String: Any]
    #expect(abs(try #require(own?["fid"] as? Double)) < 1e-6)
  }

  @Test func namesTheUnreadableImage() throws {
    _ = try run("data render -o out --count 20")
    let file = URL(fileURLWithPath: folder.file("out/000013-frame-class3.png"))
    try Data(contentsOf: file).prefix(200).write(to: file)
    try dd2.expectFailure(
      ["fid", "--ref", "shapes32"], status: 65, saying: ["000013-frame-class3.png: damaged"],
      models: Command.bundledModels)
  }

  @Test func drawsWithTheTeacher() throws {
    _ = try run("sample --teacher-steps -o out --count 12 --grid")
    let names = try folder.names(in: "out")
    #expect(names.count == 14 && names.contains("grid.png") && names.contains("samples.json"))
    #expect(names.prefix(2) == ["000000-class0.png", "000001-class1.png"] && names[11] == "000011-class1.png")
    let record = try folder.sampleRecord(in: "out")
    #expect(record["method"] as? String == "teacher-steps")
    #expect(record["calls_per_image"] as? Int == 6)
    #expect(record["completed"] as? Int == 12)
    #expect(try #require(record["images_per_second"] as? Double) > 0)
    #expect((record["teacher"] as? [String: String])?["sha256"]?.count == 64)
    // The same images in other batches, by the other command; other ones from another seed.
    _ = try run("teacher sample -o again --count 12 --batch 5")
    _ = try run("teacher sample -o other --count 12 --seed 1")
    for name in names where name.hasSuffix("1.png") {
      #expect(try folder.imageDifference("out/\(name)", "again/\(name)") <= 1)
      #expect(try folder.imageDifference("out/\(name)", "other/\(name)") > 1)
    }
    // Fewer images into the same folder leave none of the old ones.
    _ = try run("sample --teacher-steps -o out --count 2 --class 3")
    #expect(try folder.names(in: "out") == ["000000-class3.png", "000001-class3.png", "samples.json"])
    try dd2.expectFailure(
      ["sample", "--teacher-steps", "-o", "out", "--class", "10"], status: 64, saying: ["class 10 does not exist"],
      models: Command.bundledModels)
  }

  @Test func inspectsTheTeacher() throws {
    let json = try run("teacher inspect shapes32-var --json").json() as? [String: Any]
    #expect(json?["family"] as? String == "VAR")
    #expect(json?["stages"] as? [Int] == [1, 4, 9, 16, 36, 64])
    #expect(json?["token_count"] as? Int == 130)
    #expect((json?["parameters"] as? [String: Int])?.keys.sorted() == ["tokenizer", "transformer"])
    #expect(try run("teacher inspect shapes32-var").output.contains("130 in 6 stages"))
  }

  @Test func theOtherFamilyIsBundledToo() throws {
    let json = try run("teacher inspect shapes32-llamagen --json").json() as? [String: Any]
    #expect(json?["family"] as? String == "LlamaGen")
    #expect(json?["token_count"] as? Int == 64)
    // Without a checkpoint the teacher's own generator draws; a run of the other teacher's is passed over.
    _ = try run("distill --steps 1 --run runs/a \(Self.tiny)")
    _ = try run("sample --one-step --teacher shapes32-llamagen -o out --count 2")
    let drawn = try folder.sampleRecord(in: "out")
    #expect((drawn["generator"] as? [String: String])?["path"]?.hasSuffix("shapes32-llamagen-generator.h5") == true)
    #expect(drawn["calls_per_image"] as? Int == 1)
    _ = try run("sample --teacher-steps --teacher shapes32-llamagen -o out --count 2")
    #expect(try folder.sampleRecord(in: "out")["calls_per_image"] as? Int == 64)
  }

  /// The smallest distillation that goes through all stages.
  private static let tiny =
    "--set stage1.steps=1 --set warm_start.steps=0 --batch 2 --set noise_levels=1 --set stage2.score_updates=1 "
    + "--set stage1.images=20 --evaluate-every 0"

  @Test func sameSeedSameFiles() throws {
    let other = Command(folder: try TemporaryFolder())
    for place in [dd2, other] {
      let outcome = try run("distill --steps 2 --run runs/a \(Self.tiny)", in: place)
      #expect(outcome.output == "runs/a/generator.h5\n")
      #expect(outcome.log.contains("distill 2/2 steps, 100%"))
    }
    for name in ["generator.h5", "checkpoints/step-00000002.h5", "stage1/checkpoints/step-00000001.h5"] {
      let twin = try other.folder.contents("runs/a/\(name)")
      #expect(try folder.contents("runs/a/\(name)") == twin, "\(name)")
    }
    // The newest run's generator is what is sampled.
    _ = try run("sample --one-step -o out --count 3")
    let record = try folder.sampleRecord(in: "out")
    #expect(record["calls_per_image"] as? Int == 1)
    #expect((record["generator"] as? [String: String])?["path"] == "runs/a/generator.h5")
    _ = try run("sample --one-step -o again --count 3 --batch 2 --checkpoint runs/a/generator.h5")
    #expect(try folder.imageDifference("out/000002-class2.png", "again/000002-class2.png") <= 1)
    #expect(try run("report runs/a").output.contains("teacher_nll"))
  }

  @Test func interruptedRunContinues() throws {
    let start = "distill --steps 5000 --run run \(Self.tiny)".split(separator: " ").map(String.init)
    let outcome = try dd2(start, models: Command.bundledModels) { process in
      let metrics = folder.file("run/metrics.jsonl")
      while process.isRunning, (try? MetricLog.read(metrics))?.isEmpty ?? true { usleep(20_000) }
      process.terminate()
    }
    #expect(outcome.status == 130)
    #expect(outcome.output.isEmpty)
    #expect(outcome.logLines.last?.hasSuffix("continue with --resume --run run") == true, "\(outcome.log)")
    let done = try MetricLog.read(folder.file("run/metrics.jsonl")).count
    #expect(FileManager.default.fileExists(atPath: folder.file(String(format: "run/checkpoints/step-%08d.h5", done))))

    try dd2.expectFailure(start, status: 73, saying: ["add --resume"], models: Command.bundledModels)
    try dd2.expectFailure(
      ["distill", "--steps", "5000", "--run", "run", "--resume", "--batch", "3"], status: 64, saying: ["batch"],
      models: Command.bundledModels)
    let resumed = try run("distill --steps \(done + 1) --run run --resume")
    #expect(resumed.log.contains("distill: continuing after step \(done)"))
    #expect(try MetricLog.read(folder.file("run/metrics.jsonl")).count == done + 1)
  }
}
