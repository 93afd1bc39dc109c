import Artifacts
import Foundation
import TensorCore
import TestSupport

@testable import FIDEval

/// Inception-V3 with the weights of `golden-inception.h5`.
enum SyntheticInception {
  /// Shapes by name, as the published file has them.
  static let shapes: [String: [Int]] = {
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: Goldens.path("golden-inception-keys.json")))
      return try JSONDecoder().decode([String: [Int]].self, from: data)
    } catch {
      fatalError("golden-inception-keys.json: \(error)")
    }
  }()

  static func array(_ name: String, _ shape: [Int]) -> HostArray {
    if name.hasSuffix("num_batches_tracked") { return HostArray(shape: shape, [0] as [Int64]) }
    let gain = shape.count == 4 ? 2.0.squareRoot() : 1
    return HostArray(shape: shape, SyntheticWeights.values("inception." + name, Shape(shape), gain: gain))
  }

  /// The weights, after changes to the shapes of the file.
  static func weights(
    changing change: (inout [String: [Int]]) -> Void = { _ in },
    value: @escaping (String, [Int]) -> HostArray = array
  ) throws -> InceptionWeights {
    var shapes = shapes
    change(&shapes)
    let arrays = InceptionArrays(path: "inception.pth", shapes: shapes) { [shapes] in value($0, shapes[$0] ?? []) }
    return InceptionWeights(hash: "synthetic", network: try arrays.network())
  }

  static let network: InceptionWeights = {
    do { return try weights() } catch { fatalError("\(error)") }
  }()

  /// Images (B, h, w, 3) that are bytes.
  static func images(_ B: Int, _ h: Int, _ w: Int) -> Tensor {
    let bytes = SyntheticWeights.values("inception.images", [B * h * w * 3]).map { ($0 * 5 + 0.5) * 255 }
    return Tensor(bytes.map { $0.rounded() / 127.5 - 1 }, [B, h, w, 3])
  }
}
