import Artifacts
import Backbone
import DD2Teacher
import Foundation
import NN
import TensorCore
import TestSupport
import Testing

@testable import TeacherModels

/// DD1's reference code with synthetic weights.
enum DD1Golden: String, CaseIterable {
  case `var` = "golden-dd1-var"
  case llamaGen = "golden-dd1-llamagen"

  private static let patchSides = [1, 2, 3, 4]

  var file: String { "\(rawValue).h5" }
  private var prefix: String { "\(rawValue).\(self == .var ? "var" : "gpt")." }
  private var tokenizerPrefix: String { "\(rawValue).\(self == .var ? "vae" : "vq")." }

  func tensor(_ name: String) throws -> Tensor { try Goldens.tensor(file, name) }
  func attributes() throws -> [String: HDF5Attribute] { try HDF5File(reading: Goldens.path(file)).attributes() }

  /// - Parameter channels: of LlamaGen's tokenizer; the recorded one has the reference's own.
  func sizes(channels: Int = 128) -> TeacherConfiguration {
    switch self {
    case .var:
      .nextScale(
        transformer: VARConfiguration(
          depth: 2, width: 32, heads: 2, classCount: 5, patchSides: Self.patchSides, latentDimension: 8, vocabulary: 24),
        tokenizer: VQVAEConfiguration(channels: 32, latentDimension: 8, vocabulary: 24, patchSides: Self.patchSides))
    case .llamaGen:
      .nextToken(
        transformer: LlamaGenConfiguration(
          depth: 2, width: 32, heads: 2, classCount: 5, side: 4, latentDimension: 8, vocabulary: 24),
        tokenizer: VQConfiguration(channels: channels, latentChannels: 32, latentDimension: 8, vocabulary: 24))
    }
  }

  func configuration() throws -> DD1Configuration {
    let attributes = try attributes()
    func number(_ name: String) throws -> Int { Int(try #require(attributes[name]?.int)) }
    return DD1Configuration(sizes: sizes(), split: try number("split"), second: try number("second"))
  }

  /// The reference's state dictionary, buffers among it.
  func stateDictionary() throws -> [TorchFile.Tensor] {
    let text = try #require(try attributes()["names"]?.string)
    return text.split(separator: "\n").map { line in
      let parts = line.split(separator: " ", maxSplits: 1)
      let (name, shape) = (String(parts[0]), parts[1].split { !$0.isNumber }.compactMap { Int($0) })
      return TorchFile.Tensor(name, shape, values(name, Shape(shape)))
    }
  }

  static func isBuffer(_ name: String) -> Bool {
    name.hasSuffix("zero_k_bias") || name == "lvl_1L" || name == "attn_bias_for_masking"
  }

  private func values(_ name: String, _ shape: Shape) -> [Float] {
    if name == "lvl_1L" {
      let lengths = [1] + Self.patchSides.map { $0 * $0 }
      return lengths.enumerated().flatMap { level, length in [Float](repeating: Float(level), count: length) }
    }
    if Self.isBuffer(name) { return [Float](repeating: 0, count: shape.count) }
    guard name.hasSuffix("scale_mul_1H11") else { return SyntheticWeights.values(prefix + name, shape) }
    return [-0.5, 0.5].map { Float($0 + log(4.0)) }
  }

  /// The generator over the reference's names.
  func generator() throws -> DD1Generator {
    let configuration = try configuration()
    var state = StateDict()
    for tensor in try stateDictionary() where !Self.isBuffer(tensor.name) {
      state["transformer." + tensor.name] = Tensor(tensor.values, Shape(tensor.shape))
    }
    for parameter in tokenizerParameters(of: configuration.sizes) {
      state["tokenizer." + parameter.path] =
        SyntheticWeights.tensor(tokenizerPrefix + parameter.path, parameter.value.shape)
    }
    return try DD1Generator(configuration, weights: state.source)
  }

  func tokenizerParameters(of sizes: TeacherConfiguration) -> [Parameter] {
    func tokenizer(of family: some TeacherFamily) -> ParameterSet { family.makeTokenizer(seed: nil).parameters }
    return tokenizer(of: sizes.family).parameters
  }
}
