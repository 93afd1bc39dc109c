import Artifacts
import Foundation
import TestSupport
import Testing

/// A teacher of images of another size than the built-in ones, at sizes that take seconds.
@Suite(.serialized) struct TeacherTrainTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  private static let sizes = [
    "--data", "images", "--side", "16", "--scales", "1,2,4", "--codebook", "16", "--width", "32", "--depth", "1",
  ]
  private static let steps = ["--tokenizer-steps", "2", "--transformer-steps", "2"]

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
    for (index, name) in ["ant", "bee", "ant", "bee", "ant"].enumerated() {
      let pixels = (0..<(16 * 16 * 3)).map { UInt8(truncatingIfNeeded: $0 * (index + 1)) }
      try folder.makeFolder("images/" + name)
      try RGBImage(width: 16, height: 16, pixels: pixels).write(folder.file("images/\(name)/\(index).png"))
    }
  }

  private func run(_ arguments: [String]) throws -> Command.Outcome {
    try dd2.succeeding(["teacher", "train"] + arguments)
  }

  @Test func aDryRunSaysWhatItTakesAndWritesNothing() throws {
    let before = try folder.names(in: ".")
    let output = try run(Self.sizes + Self.steps + ["--dry-run"]).output
    #expect(output.hasPrefix("VAR: 16 x 16 pixels, 2 class(es); 21 tokens an image (scales 1,2,4) of 16 codes;"))
    for (name, updates) in [("perceptual", 1), ("tokenizer", 2), ("transformer", 2)] {
      #expect(output.contains(try Regex("\n\(name) +[0-9,]+ +\(updates) +[0-9]+ +[0-9.]+ s +0:")), "\(output)")
    }
    #expect(output.contains("\nin all "))
    #expect(try folder.names(in: ".") == before)
  }

  @Test func sizesAreThoseOfTheRun() throws {
    let log = try run(Self.sizes + Self.steps + ["--run", "run"]).log
    #expect(log.contains("\nVAR: 16 x 16 pixels, 2 class(es); 21 tokens") && log.contains("\nin all "), "\(log)")
    let inspected = try #require(
      try dd2.succeeding(["teacher", "inspect", "run/teacher.h5", "--json"]).json() as? [String: Any])
    #expect(inspected["image_side"] as? Int == 16 && inspected["stages"] as? [Int] == [1, 4, 16])
    #expect(inspected["vocabulary"] as? Int == 16 && inspected["class_count"] as? Int == 2)
    for stage in ["tokenizer", "transformer"] {
      #expect(try folder.names(in: "run/\(stage)/snapshots") == ["step-00000002.png"])
    }
    _ = try run(Self.sizes + ["--run", "run", "--resume"])
    for (option, value, recorded) in [
      ("--side", "32", "16"), ("--scales", "1,4", "1,2,4"), ("--codebook", "8", "16"), ("--width", "64", "32"),
      ("--depth", "2", "1"),
    ] {
      try dd2.expectFailure(
        ["teacher", "train", "--run", "run", "--resume", option, value], status: 64,
        saying: ["\(option) \(value) differs from the run's \(recorded); leave it out to resume"])
    }
    try dd2.expectFailure(
      ["teacher", "train", "--run", "run", "--resume", "--grid", "4"], status: 64, saying: ["--grid is of a LlamaGen"])
    try dd2.expectFailure(
      ["teacher", "train", "--run", "run", "--resume", "--tokens", "x"], status: 64,
      saying: ["--tokens is not what the run was begun with"])
  }

  @Test func tokensTrainATransformerAlone() throws {
    _ = try run(Self.sizes + Self.steps + ["--run", "first"])
    _ = try dd2.succeeding(["teacher", "encode", "first/teacher.h5", "--images", "images", "-o", "tokens.h5"])
    let train = ["--tokens", "tokens.h5", "--tokenizer", "first/teacher.h5", "--width", "64", "--depth", "2"]
    #expect(try run(train + ["--dry-run"]).output.contains("\ntransformer "))
    let first = try run(train + ["--transformer-steps", "2", "--run", "second"])
    #expect(first.output == "second/teacher.h5\n")
    let inspected = try #require(
      try dd2.succeeding(["teacher", "inspect", "second/teacher.h5", "--json"]).json() as? [String: Any])
    #expect(inspected["image_side"] as? Int == 16 && inspected["class_count"] as? Int == 2)
    #expect(try folder.names(in: "second") == ["report.html", "teacher.h5", "transformer"])
    // It goes by the names of the folders that were encoded.
    _ = try dd2.succeeding(["teacher", "encode", "second/teacher.h5", "--images", "images", "-o", "again.h5"])
    #expect(try folder.contents("again.h5").count == folder.contents("tokens.h5").count)

    let resume = ["--run", "second", "--resume"]
    let whole = try folder.contents("second/teacher.h5")
    _ = try run(resume)
    #expect(try folder.contents("second/teacher.h5") == whole)
    try dd2.expectFailure(
      ["teacher", "train", "--data", "images"] + resume, status: 64, saying: ["--data is not what the run was begun"])
    try dd2.expectFailure(
      ["teacher", "train", "--width", "32"] + resume, status: 64, saying: ["--width 32 differs from the run's 64"])
    try dd2.expectFailure(
      ["teacher", "train", "--tokenizer", "second/teacher.h5"] + resume, status: 65,
      saying: ["second/teacher.h5: it has changed since the run began with it"])
    try FileManager.default.moveItem(atPath: folder.file("tokens.h5"), toPath: folder.file("moved.h5"))
    try dd2.expectFailure(["teacher", "train"] + resume, status: 66, saying: ["tokens.h5"])
    _ = try run(resume + ["--tokens", "moved.h5"])
    try folder.write("", to: "moved.h5")
    try dd2.expectFailure(
      ["teacher", "train"] + resume, status: 65,
      saying: ["moved.h5: it has changed since the run began with it"])
  }
}
