import Artifacts
import Backbone
import Foundation
import NN
import TensorCore
import TestSupport
import Testing

/// DD1's files from their import to images.
@Suite struct DD1CommandTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  /// Imports a network of made-up weights for the tokenizer of a golden file.
  private func importGenerator(_ golden: GoldenTeacher) throws {
    let parameters =
      switch golden {
      case .var:
        VARDD1Network(
          VARConfiguration(
            depth: 2, width: 32, heads: 2, classCount: 5, patchSides: [1, 2, 3, 4], latentDimension: 8, vocabulary: 64),
          seed: nil
        ).parameters
      case .llamaGen:
        LlamaGenDD1Network(
          LlamaGenConfiguration(
            depth: 2, width: 64, heads: 1, classCount: 5, side: 4, latentDimension: 8, vocabulary: 64), seed: nil
        ).parameters
      }
    var file = TorchFile()
    file.add(
      parameters.parameters.map {
        .init($0.path, $0.value.shape.dimensions, SyntheticWeights.values("dd1." + $0.path, $0.value.shape))
      }, at: ["ema"])
    try file.write(to: folder.file("dd1.pth"))
    let sizes = golden == .var ? ["--patch-nums", "1,2,3,4"] : ["--grid", "4"]
    let files = ["dd1.pth", try golden.writeTokenizer(in: folder)]
    let outcome = try dd2.succeeding(["weights", "import"] + files + ["-o", "dd1.h5", "--split", "2"] + sizes)
    #expect(outcome.output == "dd1.h5\n" && outcome.log.contains("generator of DD1: ema in dd1.pth"), "\(outcome.log)")
  }

  private func image(_ folder: String, _ name: String) throws -> Data { try self.folder.contents("\(folder)/\(name)") }

  @Test(arguments: GoldenTeacher.allCases) func drawsInOneStepAndInTwo(_ golden: GoldenTeacher) throws {
    try importGenerator(golden)
    let sample = ["sample", "--checkpoint", "dd1.h5", "--count", "3", "--seed", "5"]
    for (output, options, method, calls) in [
      ("one", ["--one-step"], "one-step", 1), ("single", ["--batch", "1"], "one-step", 1),
      ("two", ["--few-step", "2", "--grid"], "few-step", 2),
    ] {
      let outcome = try dd2.succeeding(sample + ["-o", output] + options)
      #expect(outcome.output == "\(output): 3 images, \(method)\n")
      let text = try folder.contents("\(output)/samples.json")
      let record = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
      #expect(record["method"] as? String == method && record["calls_per_image"] as? Int == calls)
      #expect(record["teacher"] == nil && record["guidance"] == nil && record["completed"] as? Int == 3)
      #expect((record["generator"] as? [String: String])?["path"] == "dd1.h5")
    }
    let last = "000002-class2.png"
    // A batch of another size may round a byte the other way.
    let pixels = try ["one", "single"].map { try RGBImage.read(folder.file("\($0)/\(last)")).pixels }
    #expect(zip(pixels[0], pixels[1]).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    #expect(try image("one", last) != image("two", last))
    #expect(try image("one", last) != image("one", "000001-class1.png"))
  }

  @Test func whatHasNoEffectIsRefused() throws {
    try importGenerator(.var)
    func refuse(_ arguments: [String], status: Int32 = 64, saying parts: String...) throws {
      try dd2.expectFailure(arguments, status: status, saying: parts)
    }
    let sample = ["sample", "--checkpoint", "dd1.h5", "-o", "out"]
    try refuse(sample + ["--teacher", "shapes32"], saying: "dd1.h5: is a generator of DD1", "leave it out")
    try refuse(sample + ["--few-step", "2", "--cfg", "1"], saying: "knows no --teacher, --cfg")
    try refuse(sample + ["--interpolate", "0:1"], saying: "knows no --interpolate")
    try refuse(sample + ["--few-step", "3"], saying: "in one step or two")
    let kind = #"dd1.h5: a checkpoint of kind "dd1-generator", not "#
    try refuse(["export", "dd1.h5", "-o", "out"], status: 65, saying: kind)
    try refuse(["teacher", "inspect", "dd1.h5"], status: 65, saying: kind)
    let teacher = try GoldenTeacher.var.imported(dd2)
    try refuse(
      ["distill", "--teacher", teacher, "--start", "dd1.h5", "--steps", "2", "--run", "run"], status: 65, saying: kind)
    let files = GoldenTeacher.var.transformers[0]
    try refuse(
      ["weights", "import", files, try GoldenTeacher.var.writeTokenizer(in: folder), "-o", "x.h5", "--split", "2"],
      saying: "--split does not fit, it is for generators of DD1")
  }
}
