import Artifacts
import Foundation
import TestSupport
import Testing

/// `dd2 export` and docs/python.md.
@Suite struct ExportTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func run(_ words: String) throws -> Command.Outcome {
    try dd2.succeeding(words.split(separator: " ").map(String.init), models: models)
  }

  private func expectRefusal(_ words: String, status: Int32, saying parts: [String]) throws {
    try dd2.expectFailure(words.split(separator: " ").map(String.init), status: status, saying: parts, models: models)
  }

  @Test func whatCannotBeExportedIsOneLine() throws {
    let generator = "\(models)/shapes32-var-generator.h5"
    try expectRefusal(
      "export \(models)/shapes32-var-teacher.h5 -o out", status: 65, saying: ["teacher.h5", "generator"])
    try expectRefusal("export missing.h5 -o out", status: 66, saying: ["missing.h5"])
    try expectRefusal("export \(generator) --format onnx -o out", status: 64, saying: ["onnx", "safetensors"])
    try expectRefusal(
      "export \(generator) --teacher shapes32-llamagen -o out", status: 65, saying: ["shapes32-var-teacher.h5"])
    #expect(!FileAccess.exists(folder.file("out")))
    _ = try folder.makeFolder("mine")
    try folder.write("keep me", to: "mine/notes.txt")
    try expectRefusal("export \(generator) -o mine", status: 73, saying: ["mine", "notes.txt", "another folder"])
    try expectRefusal("export \(generator) -o mine/notes.txt", status: 73, saying: ["mine/notes.txt"])
  }

  /// The program beside the weights draws the images of `dd2 sample`, to the last bit of a colour.
  @Test(.enabled(if: Python.has("torch"), "python3 has no torch"), arguments: ["var", "llamagen"])
  func theExportedProgramDrawsTheSameImage(_ family: String) throws {
    let generator = "\(models)/shapes32-\(family)-generator.h5"
    #expect(try run("export \(generator) --format pytorch -o mine").output == "mine\n")
    _ = try run("sample --checkpoint \(generator) --class 3 --seed 9 --count 2 -o out")
    let words = ["mine/generator.py", "--class", "3", "--seed", "9", "--index", "1", "-o", "out.png"]
    let drawn = try Python.run(words, in: folder.path)
    try #require(drawn.status == 0, "\(drawn.output)")
    #expect(try folder.imageDifference("out.png", "out/000001-class3.png") <= 1)
    let refused = try Python.run(["mine/generator.py", "--class", "10", "-o", "no.png"], in: folder.path)
    #expect(refused.status == 2 && refused.output.contains("there are 10 classes"))
  }

  private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../docs/python.md").standardizedFileURL.path

  /// The page's blocks of a language.
  private func blocks(of language: String) throws -> [String] {
    let text = try String(contentsOfFile: Self.page, encoding: .utf8)
    return text.matches(of: #/```(\w*)\n([\s\S]*?)```/#).filter { $0.output.1 == language }.map { String($0.output.2) }
  }

  /// What the page reads.
  private func makeFiles() throws {
    _ = try run(
      "distill --steps 2 --run runs/my-run --set stage1.steps=1 --set warm_start.steps=0 --batch 2 "
        + "--set noise_levels=1 --set stage2.score_updates=1 --set stage1.images=20 --evaluate-every 0")
    _ = try run("teacher sample shapes32-var --count 4 --tokens-out tokens.h5")
    for line in try blocks(of: "")[0].split(separator: "\n") where line.hasPrefix("dd2 ") {
      _ = try run(line.dropFirst("dd2 ".count).prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces))
    }
  }

  /// Every file, attribute, group and dataset that the page names is there, and every metric; with the packages, all of its
  /// blocks run.
  @Test func theBlocksOfThePageRun() throws {
    try makeFiles()
    let programs = try blocks(of: "python")
    var checked = 0
    for part in programs.joined().split(separator: "h5py.File(").dropFirst() where !part.contains(#", "w")"#) {
      let file = try HDF5File(reading: folder.file(String(try #require(part.firstMatch(of: /"([^"]+)"/)).output.1)))
      let attributes = try file.attributes()
      for name in part.matches(of: /file\.attrs\["([^"]+)"\]/).map({ String($0.output.1) }) {
        #expect(attributes[name] != nil, "\(file.path): no attribute \(name)")
        checked += 1
      }
      for name in part.matches(of: /file\["([^"]+)"\]/).map({ String($0.output.1) }) {
        #expect(try file.contains(name), "\(file.path): no \(name)")
        checked += 1
      }
    }
    let rows = try MetricLog.read(folder.file("runs/my-run/metrics.jsonl"))
    for name in programs.joined().matches(of: /row\["([^"]+)"\]/).map({ String($0.output.1) }) {
      #expect(!rows.isEmpty && rows.allSatisfy { $0[name] != nil }, "no metric \(name)")
      checked += 1
    }
    #expect(checked == 11)
    for (package, mark) in [("torch", "import torch"), ("h5py", "import h5py")] where Python.has(package) {
      for program in programs where program.contains(mark) {
        let outcome = try Python.run(["-c", program], in: folder.path)
        #expect(outcome.status == 0, "\(outcome.output)")
      }
    }
  }
}
