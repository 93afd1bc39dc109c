import Artifacts
import Foundation
import TestSupport
import Testing

/// Imported teachers against the reference's recorded results, through the commands that users have.
@Suite struct TeacherFileTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func run(_ arguments: [String]) throws -> Command.Outcome { try dd2.succeeding(arguments) }

  private func floats(_ file: String, _ name: String) throws -> [Float] {
    try HDF5File(reading: folder.file(file)).read(name).floats
  }

  @Test(arguments: [(GoldenTeacher.var, 0), (.var, 1), (.llamaGen, 0)])
  func evaluates(_ golden: GoldenTeacher, transformer: Int) throws {
    let teacher = try golden.imported(dd2, transformer: transformer)
    let arguments = ["teacher", "evaluate", teacher, "--tokens", golden.golden]
    let json = try run(arguments + ["-o", "logits.h5", "--json"]).json() as? [String: Any]
    #expect(try HDF5File(reading: folder.file("logits.h5")).shape(of: "logits") == golden.array("logits").shape)
    #expect(largestDifference(try floats("logits.h5", "logits"), try golden.array("logits").floats) < 1e-4)
    let loss = try #require(try golden.array("loss").doubles.first)
    let found = try #require(json?["mean_nll"] as? Double)
    #expect(abs(found - loss) < 1e-4 * loss)
    #expect(abs(try #require(json?["perplexity"] as? Double) - exp(loss)) < 1e-3 * exp(loss))
    let text = try run(arguments).output
    #expect(text.contains(String(format: "mean negative log-likelihood  %.7f", found)))
    #expect(text.contains("perplexity") && text.contains("tokens"))
    // Guidance makes another distribution.
    let guided = try run(arguments + ["--cfg", golden.attribute("cfg"), "--json"]).json() as? [String: Any]
    #expect(abs(try #require(guided?["mean_nll"] as? Double) - loss) > 1e-3)
  }

  @Test(arguments: GoldenTeacher.allCases) func decodesAndEncodes(_ golden: GoldenTeacher) throws {
    let teacher = try golden.imported(dd2)
    _ = try run(["teacher", "decode", teacher, "--tokens", golden.golden, "-o", "out", "--raw", "raw.h5"])
    let expected = try golden.array("decoded")
    #expect(try HDF5File(reading: folder.file("raw.h5")).shape(of: "images") == expected.shape)
    let clamped = expected.floats.map { min(max($0, -1), 1) }
    #expect(largestDifference(try floats("raw.h5", "images"), clamped) < 1e-4)
    let labels = try #require(try golden.array("labels").ints)
    let names = labels.enumerated().map { String(format: "%06d-class%d.png", $0, $1) }
    #expect(try folder.names(in: "out") == names)
    // The PNG is the same image in bytes, channels last.
    let image = try RGBImage.read(folder.file("out/\(names[1])"))
    let plane = image.width * image.height
    let bytes = (0..<(3 * plane)).map { index in
      UInt8((clamped[3 * plane + index % 3 * plane + index / 3] * 127.5 + 127.5).rounded())
    }
    #expect(
      mismatch(image.pixels.map { Double($0) }, bytes.map { Double($0) }, Tolerance(absolute: 1, relative: 0)) == nil)

    _ = try run(["teacher", "encode", teacher, "--images", "out", "-o", "tokens.h5"])
    let tokens = try HDF5File(reading: folder.file("tokens.h5"))
    #expect(try tokens.shape(of: "ids") == golden.array("ids").shape)
    #expect(try tokens.read("labels").ints == labels)
    // Tokens of an image decode and evaluate again.
    _ = try run(["teacher", "evaluate", teacher, "--tokens", "tokens.h5"])
  }

  @Test(arguments: GoldenTeacher.allCases) func samples(_ golden: GoldenTeacher) throws {
    let teacher = try golden.imported(dd2)
    let cfg = try golden.attribute("cfg")
    let labels = try #require(try golden.array("labels").ints)
    let ids = try #require(try golden.array("greedy_ids").ints)
    let L = ids.count / labels.count
    for (row, label) in labels.enumerated() {
      let choice = ["--greedy", "--cfg", cfg, "--class", "\(label)", "--count", "1"]
      _ = try run(["teacher", "sample", teacher, "--tokens-out", "greedy.h5"] + choice)
      let tokens = try HDF5File(reading: folder.file("greedy.h5"))
      #expect(try tokens.read("ids").ints == Array(ids[(row * L)..<((row + 1) * L)]))
      #expect(try tokens.read("labels").ints == [label])
    }
    // Tokens and images of one run belong together, also when drawn in other batches.
    let drawn = [
      "teacher", "sample", teacher, "--top-k", "20", "--top-p", "0.9", "--temperature", "0.8", "--seed", "3",
    ]
    _ = try run(drawn + ["--count", "3", "-o", "out", "--tokens-out", "drawn.h5"])
    _ = try run(drawn + ["--count", "3", "--batch", "1", "--tokens-out", "again.h5"])
    #expect(try floats("drawn.h5", "ids") == floats("again.h5", "ids"))
    _ = try run(["teacher", "decode", teacher, "--tokens", "drawn.h5", "-o", "decoded"])
    for name in try folder.names(in: "decoded") {
      #expect(try RGBImage.read(folder.file("decoded/\(name)")) == RGBImage.read(folder.file("out/\(name)")))
    }
  }

  @Test func refusesTokensThatDoNotFit() throws {
    let teacher = try GoldenTeacher.var.imported(dd2)
    func write(ids: HostArray?, labels: HostArray?) throws {
      let writer = try HDF5Writer(path: folder.file("tokens.h5"))
      if let ids { try writer.write(ids, to: "ids") }
      if let labels { try writer.write(labels, to: "labels") }
      try writer.finish()
    }
    func ids(_ value: Int64 = 0) -> HostArray {
      HostArray(shape: [2, 30], [Int64](repeating: 0, count: 47) + [value] + [Int64](repeating: 0, count: 12))
    }
    let labels = HostArray(shape: [2], [UInt8](arrayLiteral: 3, 9))
    let evaluate = ["teacher", "evaluate", teacher, "--tokens", "tokens.h5", "-o", "logits.h5"]
    func expect(_ ids: HostArray?, _ labels: HostArray?, _ part: String) throws {
      try write(ids: ids, labels: labels)
      try dd2.expectFailure(evaluate, status: 65, saying: ["tokens.h5", part])
    }
    try expect(ids(64), labels, "ids[1, 17] is 64, no token of the teacher, which has 0 to 63")
    try expect(ids(-1), labels, "ids[1, 17] is -1")
    try expect(ids(), HostArray(shape: [2], [0, 10] as [Int64]), "labels[1] is 10, no class of the teacher")
    try expect(HostArray(shape: [2, 29], [Int64](repeating: 0, count: 58)), labels, "[2, 30] is expected")
    try expect(ids(), HostArray(shape: [3], [0, 1, 2] as [Int64]), "labels has shape [3] where [2] is expected")
    try expect(ids(), nil, "no labels")
    try expect(nil, labels, "no ids")
    try expect(HostArray(shape: [2, 30], [Float](repeating: 0.5, count: 60)), labels, "ids does not hold integers")
    #expect(!FileManager.default.fileExists(atPath: folder.file("logits.h5")))
    // Any width of integers does.
    try write(ids: HostArray(shape: [2, 30], [UInt8](repeating: 63, count: 60)), labels: labels)
    #expect(try dd2(evaluate).status == 0)
    let bytes = try folder.contents("tokens.h5")
    try folder.write(bytes.prefix(bytes.count / 2), "tokens.h5")
    try dd2.expectFailure(evaluate, status: 65, saying: ["tokens.h5: damaged"])
    try dd2.expectFailure(
      ["teacher", "sample", teacher, "--teacher", teacher, "-o", "out"], status: 64, saying: ["twice"])
  }

  /// Where a file of dd2's own is expected and others' weights are given, the command that makes one is named.
  @Test func othersWeightsNameTheCommandThatTakesThem() throws {
    try folder.write(try Data(contentsOf: URL(fileURLWithPath: GoldenTeacher.var.transformers[1])), "old.pth")
    try folder.write(try Data(contentsOf: URL(fileURLWithPath: GoldenTeacher.var.transformers[0])), "new.pth")
    try folder.write(Data(littleEndian(2) + Array("{}".utf8)), "t.safetensors")
    try NumPyWriter.write([("mu", [1], [0])], to: folder.file("t.npz"))
    for (file, title) in [
      ("old.pth", "a PyTorch file"), ("new.pth", "a PyTorch file"), ("t.safetensors", "a safetensors file"),
      ("t.npz", "a NumPy file"),
    ] {
      for command in [
        ["teacher", "inspect", file], ["distill", "--steps", "1", "--teacher", file],
        ["sample", "--teacher-steps", "-o", "out", "--teacher", file],
        ["sample", "--one-step", "-o", "out", "--teacher", file],
      ] {
        try dd2.expectFailure(command, status: 65, saying: ["\(file): \(title)", "'dd2 weights import' makes one"])
      }
    }
    try dd2.expectFailure(
      ["sample", "--one-step", "-o", "out", "--checkpoint", "new.pth"], status: 65,
      saying: ["new.pth: a PyTorch file", "kind \"generator\"", "'dd2 distill' makes one"])
  }
}
