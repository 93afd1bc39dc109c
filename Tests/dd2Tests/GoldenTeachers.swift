import Artifacts
import DD2Teacher
import Foundation
import NN
import TestSupport
import Testing

/// The teachers of the golden files, imported by the program under test from PyTorch's own files.
enum GoldenTeacher: String, CaseIterable {
  case `var` = "golden-var"
  case llamaGen = "golden-llamagen"

  /// The recorded results, which are tokens for the commands too.
  var golden: String { Goldens.path("\(rawValue).h5") }
  /// The transformer's files, as PyTorch wrote them.
  var transformers: [String] {
    switch self {
    case .var: ["golden-var.pth", "golden-var-legacy.pth"].map(Goldens.path)
    case .llamaGen: [Goldens.path("golden-llamagen-gpt.pt")]
    }
  }
  /// Options that its import needs: no weight of LlamaGen depends on the number of tokens.
  var options: [String] { self == .llamaGen ? ["--grid", "4"] : [] }

  func attribute(_ name: String) throws -> String {
    try #require(try HDF5File(reading: golden).attributes()[name]?.string)
  }
  func array(_ name: String) throws -> HostArray { try Goldens.array("\(rawValue).h5", name) }

  /// The tokenizer's weights with what else the reference stores in its file.
  var tokenizer: [TorchFile.Tensor] {
    switch self {
    case .var:
      let network = VQVAE(
        VQVAEConfiguration(channels: 32, latentDimension: 8, vocabulary: 64, patchSides: [1, 2, 3, 4]), seed: nil)
      return synthetic(network.parameters, "golden-var.vae.")
        + [.init("quantize.ema_vocab_hit_SV", [4, 64], [Float](repeating: 0, count: 256))]
    case .llamaGen:
      let network = VQTokenizer(
        VQConfiguration(channels: 32, latentChannels: 64, latentDimension: 8, vocabulary: 64), seed: nil)
      return synthetic(network.parameters, "golden-llamagen.vq.")
        + [.init("quantize.codebook_used", [65536], [Float](repeating: 0, count: 65536))]
    }
  }

  private func synthetic(_ set: ParameterSet, _ prefix: String) -> [TorchFile.Tensor] {
    set.parameters.map { parameter in
      .init(
        parameter.path, parameter.value.shape.dimensions,
        SyntheticWeights.values(prefix + parameter.path, parameter.value.shape))
    }
  }

  /// The transformer's tensors.
  func transformer() throws -> [TorchFile.Tensor] {
    let weights = try WeightsFile.open(transformers[0]).stateDictionary()
    return try weights.entries.map { .init($0.name, $0.shape, try weights.array($0.name).floats) }
  }

  /// Writes the tokenizer as people have it: VAR's bare, LlamaGen's under `model`.
  func writeTokenizer(in folder: TemporaryFolder) throws -> String {
    var file = TorchFile()
    file.add(tokenizer, at: self == .llamaGen ? ["model"] : [])
    let path = folder.file("tokenizer-\(rawValue).pt")
    try file.write(to: path)
    return path
  }

  /// Imports the teacher; its path.
  func imported(_ dd2: Command, transformer: Int = 0) throws -> String {
    let files = [try writeTokenizer(in: dd2.folder), transformers[transformer]]
    let path = dd2.folder.file("teacher-\(transformer).h5")
    let outcome = try dd2.succeeding(["weights", "import"] + files + ["-o", path] + options)
    #expect(outcome.output == path + "\n")
    return path
  }
}

/// Largest difference of a dataset from recorded values, relative to their largest; infinite on another count or NaN.
func largestDifference(_ actual: [Float], _ expected: [Float]) -> Float {
  guard actual.count == expected.count, actual.allSatisfy(\.isFinite) else { return .infinity }
  let largest = expected.reduce(0) { max($0, abs($1)) }
  return zip(actual, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
}
