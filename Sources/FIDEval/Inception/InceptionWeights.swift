import Artifacts
import TensorCore

/// Inception-V3's weights, checked and ready to compute with.
public struct InceptionWeights: Sendable {
  /// SHA-256 of the PyTorch file that they came from, in hexadecimal.
  public let hash: String
  let network: InceptionNetwork
}

/// Layers from named arrays, strictly: everything must be there in its shape, and nothing else.
final class InceptionArrays: InceptionLayerSource {
  /// Epsilon of the batch normalisations.
  private static let epsilon = 1e-3
  /// Counters of training steps, which inference does not need.
  static let counterSuffix = ".num_batches_tracked"

  private let path: String
  private let shapes: [String: [Int]]
  private let read: (String) throws -> HostArray
  private var unread: Set<String>

  /// - Parameters:
  ///   - path: the file, for messages.
  ///   - shapes: of every array by name.
  ///   - read: the array of a name.
  init(path: String, shapes: [String: [Int]], read: @escaping (String) throws -> HostArray) {
    self.path = path
    self.shapes = shapes
    self.read = read
    unread = Set(shapes.keys)
  }

  /// The network of all arrays. Throws `ArtifactError.missingDataset`, `.wrongShape`, `.wrongFormat` for an array that
  /// no layer reads, `.corrupt` for NaN and infinity, and what reading throws.
  func network() throws -> InceptionNetwork {
    let network = try InceptionNetwork(self)
    for name in unread.filter({ $0.hasSuffix(Self.counterSuffix) }) {
      let layer = String(name.dropLast(Self.counterSuffix.count))
      if shapes[layer + ".running_var"] != nil { unread.remove(name) }
    }
    if let name = unread.min() {
      let more = unread.count > 1 ? " and \(unread.count - 1) more" : ""
      throw ArtifactError.wrongFormat(path: path, detail: "\(name)\(more) is no weight of Inception-V3 for FID")
    }
    return network
  }

  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, kernel: (rows: Int, columns: Int), stride: Int,
    padding: (rows: Int, columns: Int)
  ) throws -> InceptionConvolution {
    let weight = try array("\(name).conv.weight", [outputs, inputs, kernel.rows, kernel.columns])
    let gamma = try array("\(name).bn.weight", [outputs])
    let beta = try array("\(name).bn.bias", [outputs])
    let mean = try array("\(name).bn.running_mean", [outputs])
    let variance = try array("\(name).bn.running_var", [outputs])
    guard variance.allSatisfy({ $0 >= 0 }) else {
      throw ArtifactError.corrupt(path: path, detail: "\(name).bn.running_var holds negative variances")
    }
    // Normalisation is gamma (y - mean) / sqrt(variance + epsilon) + beta of the convolution's y.
    let factor = zip(gamma, variance).map { Double($0) / (Double($1) + Self.epsilon).squareRoot() }
    let bias = (0..<outputs).map { Double(beta[$0]) - Double(mean[$0]) * factor[$0] }
    return InceptionConvolution(
      weight_OIhw: Tensor(weight, [outputs, inputs, kernel.rows, kernel.columns])
        * Tensor(factor.map(Float.init), [outputs, 1, 1, 1]),
      bias_O: Tensor(bias.map(Float.init), [outputs]), stride: stride,
      padding: Padding(top: padding.rows, bottom: padding.rows, left: padding.columns, right: padding.columns))
  }

  func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Tensor {
    let weight = try array("\(name).weight", [outputs, inputs])
    // Checked, though nothing reads it: logits go without.
    _ = try array("\(name).bias", [outputs])
    return Tensor(weight, [outputs, inputs])
  }

  private func array(_ name: String, _ expected: [Int]) throws -> [Float] {
    guard let found = shapes[name] else { throw ArtifactError.missingDataset(path: path, name: name) }
    guard found == expected else {
      throw ArtifactError.wrongShape(path: path, name: name, expected: expected, found: found)
    }
    unread.remove(name)
    let values = try read(name).floats
    guard values.allSatisfy(\.isFinite) else {
      throw ArtifactError.corrupt(path: path, detail: "\(name) holds NaN or infinity")
    }
    return values
  }
}
