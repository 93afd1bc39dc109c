import Artifacts
import Foundation
import TestSupport
import Testing

/// Commands that need no trained model, end to end.
@Suite struct CommandTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  @Test(arguments: [
    "", "distill", "sample", "export", "fid", "evaluate", "teacher", "teacher train", "teacher sample",
    "teacher inspect", "teacher evaluate",
    "teacher encode", "teacher decode", "data", "data render", "weights", "weights list", "weights verify",
    "weights import", "weights fetch", "report", "ref", "ref build",
  ])
  func help(command: String) throws {
    let outcome = try dd2(command.split(separator: " ").map(String.init) + ["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.log.isEmpty)
    #expect(outcome.output.contains("USAGE: dd2 \(command)".trimmingCharacters(in: .whitespaces)))
    #expect(outcome.output.contains("OVERVIEW: "))
  }

  @Test func version() throws {
    let outcome = try dd2(["--version"])
    #expect(outcome.status == 0)
    #expect(outcome.output.wholeMatch(of: /dd2 \d+\.\d+\.\d+( \([0-9a-f]{7,}(-dirty)?\))?\n/) != nil)
  }

  @Test func theLogHasLevels() throws {
    let render = ["data", "render", "-o", "out", "--count", "2"]
    #expect(try dd2(render, environment: ["DD2_LOG": "info"]).log.contains("2/2 images"))
    let quiet = try dd2(render, environment: ["DD2_LOG": "warning"])
    #expect(quiet.status == 0 && quiet.log.isEmpty && !quiet.output.isEmpty, "\(quiet.log)")
    let failing = try dd2(["fid", "--ref", "nothing"], environment: ["DD2_LOG": "critical"])
    #expect(failing.status == 64 && failing.log.hasPrefix("dd2: "), "\(failing.log)")
    #expect(try dd2(render, environment: ["DD2_LOG": ""]).log.contains("2/2 images"))
    let unknown = try dd2(render, environment: ["DD2_LOG": "loud"])
    #expect(unknown.status == 64 && unknown.log.contains("DD2_LOG is 'loud'; give one of trace,"), "\(unknown.log)")
  }

  @Test func rendersReadableImagesWithLabels() throws {
    let outcome = try dd2(["data", "render", "-o", "out", "--count", "120", "--grid"])
    #expect(outcome.status == 0)
    #expect(outcome.output == "out: 120 images of shapes32 train, seed 0\n")
    #expect(outcome.log.contains("120/120 images, 100%"))
    let names = try folder.names(in: "out")
    #expect(names.count == 121 && names.last == "grid.png")
    #expect(names[3] == "000003-frame-class3.png")
    for (index, name) in names.dropLast().enumerated() {
      #expect(name.wholeMatch(of: /\d{6}-[A-Za-z]+-class\d\.png/) != nil)
      #expect(name.hasSuffix("-class\(index % 10).png"))
      let image = try RGBImage.read(folder.file("out/\(name)"))
      #expect(image.width == 32 && image.height == 32)
      #expect(Set(image.pixels).count > 8)
    }
    let grid = try RGBImage.read(folder.file("out/grid.png"))
    // Ten rows and columns at twice their size, below the classes' names and a title.
    #expect((grid.width, grid.height) == (10 * 66 - 2, 2 * 15 + 10 * 66 - 2))
  }

  @Test func rendersTheSameImagesInAnyNumber() throws {
    for (name, arguments) in [
      ("few", ["--count", "3"]), ("many", ["--count", "230"]), ("seeded", ["--count", "3", "--seed", "1"]),
      ("heldOut", ["--count", "3", "--split", "held-out"]),
    ] {
      #expect(try dd2(["data", "render", "-o", name] + arguments).status == 0)
    }
    func image(_ set: String) throws -> RGBImage {
      try RGBImage.read(folder.file("\(set)/000002-square-class2.png"))
    }
    #expect(try image("few") == image("many"))
    #expect(try image("few") != image("seeded"))
    #expect(try image("few") != image("heldOut"))
  }

  @Test func doesNotMixImageSets() throws {
    #expect(try dd2(["data", "render", "-o", "out", "--count", "5"]).status == 0)
    #expect(try dd2(["data", "render", "-o", "out", "--count", "5"]).status == 0)
    try dd2.expectFailure(
      ["data", "render", "-o", "out", "--count", "4"], status: 73, saying: ["000004-triangle-class4.png"])
  }

  @Test func interruptedWorkEndsCleanly() throws {
    let outcome = try dd2(["data", "render", "-o", "out", "--count", "40000"]) { process in
      let first = folder.file("out/000000-disk-class0.png")
      while !FileManager.default.fileExists(atPath: first) { usleep(10_000) }
      process.terminate()
    }
    #expect(outcome.status == 130)
    #expect(outcome.output.isEmpty)
    #expect(outcome.logLines.last?.hasPrefix("dd2: interrupted after ") == true)
    for name in try folder.names(in: "out") { _ = try RGBImage.read(folder.file("out/\(name)")) }
  }

  @Test func weights() throws {
    try folder.write("abc", to: "good.h5")
    try folder.write("abd", to: "bad.h5")
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    func entry(_ name: String) -> String {
      """
      {"name": "\(name)", "family": "var", "kind": "teacher", "urls": [], "bytes": 3, "sha256": "\(hash)",
       "license": "MIT", "layout": "dd2", "path": "\(name).h5"}
      """
    }
    try folder.write("[\(entry("good")), \(entry("bad")), \(entry("gone"))]", to: "weights-manifest.json")
    let models = try folder.makeFolder("Models")

    let list = try dd2(["weights", "list"], models: models)
    #expect(list.status == 0 && list.output.split(separator: "\n").count == 4)
    let json = try dd2(["weights", "list", "--json"], models: models).json() as? [[String: Any]]
    #expect(json?.compactMap { $0["name"] as? String } == ["good", "bad", "gone"])

    #expect(try dd2(["weights", "verify", "good"], models: models).status == 0)
    let verdict = try dd2(["weights", "verify", "--json", "good", "bad"], models: models)
    #expect(verdict.status == 65 && verdict.logLines.count == 1)
    let oks = (try verdict.json() as? [[String: Any]])?.compactMap { $0["ok"] as? Bool }
    #expect(oks == [true, false])
    #expect(try dd2(["weights", "verify", "gone"], models: models).status == 66)
    try dd2.expectFailure(
      ["weights", "verify", "other"], status: 64, saying: ["no entry named other"], models: models)
  }

  @Test func report() throws {
    let run = try RunDirectory.create(folder.file("run"), config: ["steps": 3])
    let log = try run.metricLog()
    for step in 1...3 { try log.append(step: step, values: [("loss", Double(step) / 2)]) }
    try log.append(step: 4, values: [("fid", 12.5)])
    let text = try dd2(["report", "run"])
    #expect(text.status == 0)
    let rows = text.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(rows.dropFirst().map { $0 } == [["run", "fid", "4", "12.5", "12.5"], ["run", "loss", "3", "1.5", "1"]])
    let json = try dd2(["report", "run", "--json"]).json() as? [[String: Any]]
    #expect(json?.last?["value"] as? Double == 1.5 && json?.last?["step"] as? Int == 3)
    try dd2.expectFailure(["report", "nowhere"], status: 66, saying: ["nowhere"])
    try folder.write("{\"step\": 1e30, \"loss\": 1}\n", to: "run/metrics.jsonl")
    try dd2.expectFailure(["report", "run"], status: 65, saying: ["run/metrics.jsonl", "line 1"])
  }
}
