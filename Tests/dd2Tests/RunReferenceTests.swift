import Artifacts
import Foundation
import TestSupport
import Testing

/// What a run's FID is measured against, where its images are not the built-in ones.
@Suite(.serialized) struct RunReferenceTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  private static let small = [
    "distill", "--data", "images", "--set", "stage1.steps=1", "--set", "warm_start.steps=0", "--set",
    "stage1.images=10", "--batch", "2", "--set", "noise_levels=1", "--set", "stage2.score_updates=1", "--set",
    "stage2.first_score_updates=1",
  ]

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
    for label in 0..<10 { try folder.makeFolder("images/\(label)") }
    _ = try run(["data", "render", "-o", "flat", "--count", "40"])
    for (index, name) in try folder.names(in: "flat").enumerated() {
      try FileManager.default.moveItem(
        atPath: folder.file("flat/" + name), toPath: folder.file("images/\(index % 10)/\(name)"))
    }
  }

  private func run(_ arguments: [String]) throws -> Command.Outcome { try dd2.succeeding(arguments, models: models) }

  private func refuses(_ options: [String], status: Int32 = 64, saying words: [String]) throws {
    try dd2.expectFailure(Self.small + ["--steps", "1"] + options, status: status, saying: words, models: models)
  }

  /// The run's FID is what `dd2 fid` says of as many images of its generator, the best generator is kept by it, and the
  /// reference may move between sessions.
  @Test func aRunIsScoredAgainstItsOwnReference() throws {
    _ = try run(["ref", "build", "--extractor", "shapes32", "--images", "images", "-o", "ref.h5"])
    let reference = ["--ref", "ref.h5", "--evaluate-every", "1", "--evaluate-count", "12", "--run", "run"]
    let outcome = try run(Self.small + ["--steps", "1"] + reference)
    #expect(outcome.log.contains("FID against ref.h5: shapes32-net"), "\(outcome.log)")
    #expect(outcome.log.contains("12 images in each measurement"), "\(outcome.log)")
    for record in try MetricLog.read(folder.file("run/metrics.jsonl")) {
      let (step, fid) = (try #require(record["step"]), try #require(record["fid"]))
      #expect(outcome.log.contains(String(format: "step %.0f: fid %.4g", step, fid)), "\(outcome.log)")
    }
    func lastFID() throws -> Double {
      let log = try MetricLog.read(folder.file("run/metrics.jsonl"))
      #expect(log.allSatisfy { $0["fid"] != nil })
      return try #require(log.last?["fid"])
    }
    _ = try run([
      "sample", "--one-step", "--checkpoint", "run/generator.h5", "-o", "drawn", "--count", "12", "--seed", "1",
    ])
    let score = try run(["fid", "--ref", "ref.h5", "--images", "drawn", "--json"])
    let measured = try #require((score.json() as? [String: Any])?["fid"] as? Double)
    #expect(abs(try lastFID() / measured - 1) < 1e-6)
    #expect(FileManager.default.fileExists(atPath: folder.file("run/best.h5")))

    try folder.makeFolder("moved")
    try FileManager.default.moveItem(atPath: folder.file("ref.h5"), toPath: folder.file("moved/ref.h5"))
    let resume = ["distill", "--steps", "2", "--run", "run", "--resume"]
    try dd2.expectFailure(resume, status: 66, saying: ["ref.h5"], models: models)
    _ = try run(resume + ["--ref", "moved/ref.h5"])
    #expect(try MetricLog.read(folder.file("run/metrics.jsonl")).last?["step"] == 2)
    _ = try lastFID()
    _ = try run(["ref", "build", "--extractor", "shapes32", "--images", "drawn", "-o", "moved/ref.h5"])
    try dd2.expectFailure(
      ["distill", "--steps", "3", "--run", "run", "--resume"], status: 65, saying: ["moved/ref.h5: it has changed"],
      models: models)
    try dd2.expectFailure(
      ["distill", "--steps", "3", "--run", "run", "--resume", "--ref", "moved/ref.h5"], status: 64,
      saying: ["another fid.reference"], models: models)
  }

  /// Before anything is trained.
  @Test func referencesThatARunCannotUse() throws {
    try refuses(["--ref", "images"], saying: ["dd2 ref build --images images"])
    try refuses(["--ref", "nowhere.h5"], status: 66, saying: ["nowhere.h5"])
    try refuses(["--ref", "imagenet"], saying: ["imagenet256"])
    try refuses(["--evaluate-every", "5"], saying: ["--data", "--ref"])
    try refuses(["--evaluate-count", "5"], saying: ["--data", "--ref"])
    try refuses(["--set", "fid.weights=weights.pth"], saying: ["fid.weights needs fid.reference"])
    _ = try run(["ref", "build", "--extractor", "shapes32", "--images", "images", "-o", "ref.h5"])
    try refuses(["--ref", "ref.h5", "--evaluate-every", "0"], saying: ["fid.reference", "fid.every 0"])
    try refuses(["--ref", "ref.h5", "--evaluate-count", "1"], saying: ["--evaluate-count is 1"])
    try refuses(["--ref", "ref.h5", "--set", "fid.weights=nowhere.h5"], status: 66, saying: ["nowhere.h5"])
    let ours = try HDF5File(reading: folder.file("ref.h5"))
    let writer = try HDF5Writer(path: folder.file("theirs.h5"))
    for (name, value) in try ours.attributes() {
      try writer.setAttribute(name, name == "weights_sha256" ? .string("another") : value)
    }
    for name in ["mu", "sigma"] { try writer.write(try ours.read(name), to: name) }
    try writer.finish()
    try refuses(["--ref", "theirs.h5"], status: 65, saying: ["theirs.h5", "another", "cannot be compared"])
    #expect(try folder.names(in: ".").filter { $0.hasPrefix("run") } == [])
  }
}
