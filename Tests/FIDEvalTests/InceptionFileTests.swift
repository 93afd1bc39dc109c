import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import FIDEval

@Suite struct InceptionFileTests {
  private func error(
    changing change: (inout [String: [Int]]) -> Void = { _ in },
    value: @escaping (String, [Int]) -> HostArray = SyntheticInception.array
  ) -> String {
    do {
      _ = try SyntheticInception.weights(changing: change, value: value)
      return "none"
    } catch {
      return "\(error)"
    }
  }

  /// Values do not matter here.
  private static func ones(_ name: String, _ shape: [Int]) -> HostArray {
    HostArray(shape: shape, [Float](repeating: 1, count: shape.reduce(1, *)))
  }

  @Test func namesWhatDoesNotFit() {
    let missing = error(changing: { $0["Mixed_6c.branch_pool.bn.bias"] = nil }, value: Self.ones)
    #expect(missing.contains("there is no Mixed_6c.branch_pool.bn.bias"))
    let extra = error(changing: { $0["AuxLogits.fc.weight"] = [1008, 768] }, value: Self.ones)
    #expect(extra.contains("AuxLogits.fc.weight is no weight of Inception-V3"))
    let counter = error(changing: { $0["Elsewhere.bn.num_batches_tracked"] = [] }, value: Self.ones)
    #expect(counter.contains("Elsewhere.bn.num_batches_tracked is no weight"))
    let shape = error(changing: { $0["Conv2d_2b_3x3.conv.weight"] = [64, 32, 3, 1] }, value: Self.ones)
    #expect(shape.contains("Conv2d_2b_3x3.conv.weight has shape [64, 32, 3, 1] where [64, 32, 3, 3]"))
    #expect(!missing.contains("\n") && !extra.contains("\n") && !shape.contains("\n"))
  }

  @Test func refusesValuesThatAreNone() {
    let bad = error(value: { name, shape in
      name == "Mixed_5b.branch1x1.bn.weight"
        ? HostArray(shape: shape, [Float](repeating: .nan, count: 64)) : Self.ones(name, shape)
    })
    #expect(bad.contains("Mixed_5b.branch1x1.bn.weight holds NaN or infinity"))
    let negative = error(value: { name, shape in
      name == "Conv2d_1a_3x3.bn.running_var"
        ? HostArray(shape: shape, [Float](repeating: -1, count: 32)) : Self.ones(name, shape)
    })
    #expect(negative.contains("Conv2d_1a_3x3.bn.running_var holds negative variances"))
  }

  @Test func countersMayBeLeftOut() {
    let none = error(
      changing: { shapes in shapes = shapes.filter { !$0.key.hasSuffix("num_batches_tracked") } }, value: Self.ones)
    #expect(none == "none")
  }

  @Test func bothFormsOfTheFileGiveTheSameFeaturesAndHash() throws {
    try withTemporaryFolder { folder in
      #expect(
        throws: ArtifactError.missingWeights(
          path: folder + "/" + InceptionFile.publishedName, name: "inception-fid")
      ) { try InceptionFile.locate(in: folder) }
      let (source, imported) = (folder + "/source.pth", folder + "/" + InceptionFile.importedName)
      try Self.write(to: source)
      let weights = try WeightsFile.open(source)
      #expect(InceptionFile.recognizes(weights))
      try InceptionFile.convert(weights, to: imported, createdBy: "a test")
      #expect(try InceptionFile.locate(in: folder) == imported)

      let (direct, ours) = (try InceptionFile.read(source), try InceptionFile.read(imported))
      #expect(direct.hash == (try WeightsManifest.sha256(ofFile: source)))
      #expect(ours.hash == direct.hash)
      let images = SyntheticInception.images(2, 16, 16)
      let features = [direct, ours, SyntheticInception.network].map {
        InceptionV3(weights: $0, protocol: .pytorchFID, layer: .mixed6e).features(of: images).elements
      }
      #expect(features[0] == features[2])
      #expect(features[1] == features[2])
    }
  }

  private static func write(to path: String) throws {
    var file = TorchFile()
    file.add(
      SyntheticInception.shapes.filter { !$0.key.hasSuffix("num_batches_tracked") }.sorted { $0.key < $1.key }.map {
        TorchFile.Tensor($0.key, $0.value, SyntheticInception.array($0.key, $0.value).floats)
      })
    try file.write(to: path)
  }
}
