import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

/// `dd2 weights import`: what it finds by itself, what it asks for, and what it refuses.
@Suite struct WeightsImportTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func write(_ name: String, _ tensors: [TorchFile.Tensor], at keys: [String] = []) throws {
    var file = TorchFile()
    file.add(tensors, at: keys)
    try file.write(to: folder.file(name))
  }

  private func expectFailure(
    _ files: [String], _ options: [String] = [], status: Int32 = 65, saying parts: String...
  ) throws {
    try dd2.expectFailure(
      ["weights", "import"] + files + ["-o", "teacher.h5"] + options, status: status, saying: parts)
    #expect(!FileManager.default.fileExists(atPath: folder.file("teacher.h5")))
  }

  @Test func findsBothPartsInATrainersCheckpoint() throws {
    let golden = GoldenTeacher.var
    let transformer = try golden.transformer()
    var file = TorchFile()
    file.add(transformer, at: ["trainer", "var_wo_ddp"])
    file.add(golden.tokenizer, at: ["trainer", "vae_local"])
    file.add([.init("step", [1], [3])], at: ["progress"])
    try file.write(to: folder.file("checkpoint.pth"))
    let outcome = try dd2(["weights", "import", "checkpoint.pth", "-o", "both.h5"])
    #expect(outcome.status == 0, "\(outcome.log)")
    #expect(outcome.log.contains("trainer.var_wo_ddp in checkpoint.pth"))
    let parameters = try Checkpoint.read(from: try golden.imported(dd2)).parameters
    #expect(try Checkpoint.read(from: folder.file("both.h5")).parameters == parameters)
    let json = try #require(try dd2(["teacher", "inspect", "both.h5", "--json"]).json() as? [String: Any])
    let counts = try #require(json["parameters"] as? [String: Int])
    #expect(
      counts["transformer", default: 0] + counts["tokenizer", default: 0] == parameters.values.map(\.count).reduce(0, +)
    )
    #expect((json["origin"] as? [String: String])?["source_tokenizer"]?.hasPrefix("checkpoint.pth, sha256 ") == true)

    file.add(transformer, at: ["ema"])
    try file.write(to: folder.file("checkpoint.pth"))
    try expectFailure(["checkpoint.pth"], status: 64, saying: "several transformers", "ema in checkpoint.pth", "--at")
    try expectFailure(["checkpoint.pth", "--at", "nowhere"], status: 64, saying: "no entry named nowhere", "ema")
    let chosen = ["--at", "trainer.var_wo_ddp", "--at", "trainer.vae_local"]
    #expect(try dd2(["weights", "import", "checkpoint.pth", "-o", "both.h5"] + chosen).status == 0)
  }

  /// The published file's keys and shapes with made-up weights: what comes out scores as the file itself does.
  @Test func inceptionBecomesAFeatureNetwork() throws {
    let shapes = try JSONDecoder().decode(
      [String: [Int]].self, from: try Data(contentsOf: URL(fileURLWithPath: Goldens.path("golden-inception-keys.json")))
    )
    let tensors = shapes.sorted { $0.key < $1.key }.map { name, shape in
      // Variances are positive; the gain keeps activations at unit scale.
      let values = SyntheticWeights.values("inception." + name, Shape(shape), gain: shape.count == 4 ? 1.41 : 1)
      return TorchFile.Tensor(name, shape, values)
    }
    try write("inception.pth", tensors)
    let outcome = try dd2(["weights", "import", "inception.pth", "-o", "inception.h5"])
    #expect(outcome.status == 0 && outcome.log.contains("not the published weights"), "\(outcome.log)")
    for (name, seed) in [("a", "0"), ("b", "1")] {
      #expect(try dd2(["data", "render", "-o", name, "--count", "4", "--seed", seed]).status == 0)
    }
    let scores = try ["inception.pth", "inception.h5"].map { weights in
      let arguments = [
        "fid", "--ref", "a", "--images", "b", "--extractor", "inception", "--weights", weights, "--metrics", "fid",
        "--json",
      ]
      let score = try dd2(arguments)
      #expect(score.status == 0, "\(score.log)")
      return try #require((score.json() as? [String: Any])?["fid"] as? Double)
    }
    #expect(scores[0] == scores[1] && scores[0] > 0)
    // Statistics tell the protocol that they were made under.
    let weights = ["--weights", "inception.h5"]
    _ = try dd2.succeeding(["ref", "build", "--images", "a", "-o", "clean.h5", "--protocol", "clean"] + weights)
    let clean = try ["clean.h5", "a"].map { reference in
      let named = reference == "a" ? ["--protocol", "clean"] : []
      let score = try dd2.succeeding(["fid", "--ref", reference, "--images", "b", "--json"] + weights + named)
      return try #require(score.json() as? [String: Any])
    }
    #expect(clean[0]["protocol"] as? String == "clean")
    #expect(clean[0]["fid"] as? Double == clean[1]["fid"] as? Double && clean[0]["fid"] as? Double != scores[0])
    // Parts of one image have a score of 1 whatever they show.
    _ = try dd2.succeeding(["data", "render", "-o", "ten", "--count", "10"])
    let few = try #require(
      try dd2.succeeding(["fid", "--images", "ten", "--metrics", "is", "--json"] + weights).json() as? [String: Any])
    #expect(abs(try #require((few["inception_score"] as? [String: Any])?["mean"] as? Double) - 1) < 1e-6)
    let warnings = try #require(few["warnings"] as? [String])
    #expect(warnings.contains { $0.contains("Inception Score of 10 images in ten is of 10 parts of 1") })
    try write("inception.pth", tensors.filter { $0.name != "Mixed_5b.branch1x1.conv.weight" })
    try expectFailure(["inception.pth"], saying: "Mixed_5b.branch1x1.conv.weight")
  }

  @Test func asksForWhatFilesDoNotTell() throws {
    let golden = GoldenTeacher.var
    let vae = try golden.writeTokenizer(in: folder)
    try write("silent.pth", try golden.transformer().filter { $0.name != "lvl_1L" })
    try expectFailure(["silent.pth", vae], status: 64, saying: "30 positions in 4 scales; say it with --patch-nums")
    for sides in ["1,2,3", "1,2,3,5", "2,1,3,4,5"] {
      try expectFailure(
        ["silent.pth", vae], ["--patch-nums", sides], status: 64, saying: "--patch-nums \(sides) does not fit")
    }
    let outcome = try dd2(["weights", "import", vae, "silent.pth", "-o", "told.h5", "--patch-nums", "1,2,3,4"])
    #expect(outcome.status == 0, "\(outcome.log)")
    // The order of the scales shows in the levels alone.
    try expectFailure(
      [golden.transformers[0], vae], ["--patch-nums", "2,1,3,4"], status: 64, saying: "of sides 1,2,3,4")
    try expectFailure([vae], status: 64, saying: "no transformer among them")
    try expectFailure([golden.transformers[0]], status: 64, saying: "no tokenizer among them")

    let gpt = GoldenTeacher.llamaGen.transformers
    let vq = try GoldenTeacher.llamaGen.writeTokenizer(in: folder)
    try expectFailure(gpt + [vq], status: 64, saying: "--grid")
    try expectFailure(gpt + [vq], ["--grid", "4", "--heads", "3"], status: 64, saying: "--heads 3 does not fit")
    try expectFailure(gpt + [vq], ["--grid", "4", "--patch-nums", "1,2"], status: 64, saying: "it is for VAR")
    try expectFailure(gpt + [vae], ["--grid", "4"], saying: "a tokenizer of VAR beside a transformer of LlamaGen")
    #expect(try dd2(["weights", "import", vq] + gpt + ["-o", "lg.h5", "--grid", "6", "--heads", "4"]).status == 0)
    let json = try dd2(["teacher", "inspect", "lg.h5", "--json"]).json() as? [String: Any]
    #expect(json?["token_count"] as? Int == 36 && json?["family"] as? String == "LlamaGen")
  }

  /// As FSDP and `torch.compile` name weights, with what sampling leaves beside them, which tells the tokens.
  @Test func takesWrappedWeightsWithBuffersBesideThem() throws {
    let gpt = try WeightsFile.open(GoldenTeacher.llamaGen.transformers[0]).stateDictionary()
    var tensors = try gpt.entries.map { entry in
      let name = entry.name.replacingOccurrences(of: ".attention.", with: "._fsdp_wrapped_module.attention._orig_mod.")
      return TorchFile.Tensor("module." + name, entry.shape, try gpt.array(entry.name).floats)
    }
    func zeros(_ name: String, _ shape: [Int]) -> TorchFile.Tensor {
      .init(name, shape, [Float](repeating: 0, count: shape.reduce(1, *)))
    }
    tensors += [zeros("module.freqs_cis", [17, 32, 2]), zeros("module.causal_mask", [1, 24, 24])]
    for layer in 0..<2 {
      tensors.append(zeros("module.layers.\(layer)._fsdp_wrapped_module.attention.kv_cache.v_cache", [1, 2, 24, 64]))
    }
    try write("wrapped.pt", tensors, at: ["model"])
    let vq = try GoldenTeacher.llamaGen.writeTokenizer(in: folder)
    let outcome = try dd2.succeeding(["weights", "import", "wrapped.pt", vq, "-o", "wrapped.h5"])
    #expect(
      outcome.log.contains(
        "left out, as no weights: causal_mask, freqs_cis, layers.N.attention.kv_cache.v_cache (2), quantize"),
      "\(outcome.log)")
    #expect(outcome.log.contains("4 x 4 tokens") && !outcome.log.contains("assumed"))
    let plain = try GoldenTeacher.llamaGen.imported(dd2)
    let (found, expected) = (try Checkpoint.read(from: folder.file("wrapped.h5")), try Checkpoint.read(from: plain))
    #expect(found.parameters == expected.parameters && found.config == expected.config)
    // Without them the number of heads is a guess, which is reported.
    let guess = try dd2.succeeding(
      ["weights", "import", GoldenTeacher.llamaGen.transformers[0], vq, "-o", "told.h5", "--grid", "4"])
    #expect(guess.log.contains("assumed, as no weight shows it: ") && guess.log.contains("(--heads)"), "\(guess.log)")
  }

  @Test func namesWhatIsWrong() throws {
    let golden = GoldenTeacher.var
    let vae = try golden.writeTokenizer(in: folder)
    let sound = try golden.transformer()
    func expect(_ part: String, _ change: (inout [TorchFile.Tensor]) throws -> Void) throws {
      var tensors = sound
      try change(&tensors)
      try write("bad.pth", tensors)
      try expectFailure(["bad.pth", vae], saying: "bad.pth", part)
    }
    func replace(_ name: String, _ shape: [Int], _ value: Float = 0) -> (inout [TorchFile.Tensor]) -> Void {
      { tensors in
        tensors.removeAll { $0.name == name }
        tensors.append(.init(name, shape, [Float](repeating: value, count: shape.reduce(1, *))))
      }
    }
    try expect("missing: blocks.1.ffn.fc2.bias") { $0.removeAll { $0.name == "blocks.1.ffn.fc2.bias" } }
    try expect("unexpected: blocks.1.extra", replace("blocks.1.extra", [3]))
    try expect("wrong shape: head_nm.ada_lin.1.bias is (255), expected (256)", replace("head_nm.ada_lin.1.bias", [255]))
    try expect("attn_bias_for_masking has shape [1, 1, 30, 29]", replace("attn_bias_for_masking", [1, 1, 30, 29]))
    try expect("blocks.0.attn.zero_k_bias has shape [64]", replace("blocks.0.attn.zero_k_bias", [64]))
    try expect(
      "blocks.1.attn.mat_qkv.weight has shape [128, 128]", replace("blocks.1.attn.mat_qkv.weight", [128, 128]))
    try expect("lvl_1L does not list square scales", replace("lvl_1L", [1, 30]))
    try expect("64 codes of 8 dimensions where") { tensors in
      replace("head.weight", [65, 128])(&tensors)
      replace("head.bias", [65])(&tensors)
    }
    // Found while writing: the line comes after those of the progress.
    var tensors = sound
    replace("head.bias", [64], .nan)(&tensors)
    try write("bad.pth", tensors)
    let outcome = try dd2(["weights", "import", "bad.pth", vae, "-o", "teacher.h5"])
    #expect(outcome.status == 65 && outcome.logLines.last?.contains("head.bias holds NaN") == true, "\(outcome.log)")
    #expect(try folder.names(in: ".").contains("teacher.h5") == false)
    try write("other.pth", [.init("weight", [2], [1, 2])])
    try expectFailure(["other.pth", vae], saying: "other.pth: neither transformer nor tokenizer", "weight")
    try expectFailure(["nowhere.pth", vae], status: 66, saying: "nowhere.pth: no such file")
    try expectFailure([vae, vae, golden.transformers[0]], status: 64, saying: "several tokenizers")
  }
}
