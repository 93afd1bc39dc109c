import Backbone
import NN
import TensorCore
import Testing

@testable import DD2Teacher

private let vocabulary = 12

/// A small VAR with random weights: three scales, 21 tokens.
private func makeTeacher() -> VARTeacher {
  let sides = [1, 2, 4]
  let tokenizer = VQVAE(
    VQVAEConfiguration(
      channels: 8, channelMultipliers: [1, 1, 1], residualBlocks: 1, normGroups: 4, latentDimension: 4,
      vocabulary: vocabulary, patchSides: sides), seed: 1)
  let transformer = VARTransformer(
    VARConfiguration(
      depth: 2, width: 16, heads: 2, classCount: 3, patchSides: sides, latentDimension: 4, vocabulary: vocabulary),
    map: tokenizer.map, seed: 1)
  // The classifier starts at nearly zero; larger weights make the distributions differ.
  for parameter in transformer.parameters.parameters where parameter.path == "head.weight" {
    parameter.value.assign(parameter.value * 100)
  }
  return VARTeacher(transformer: transformer, tokenizer: tokenizer)
}

@Suite("VAR teacher") struct VARTeacherTests {
  private static let labels: IndexTensor = [0, 2, 1]

  private static func randomIDs(_ teacher: VARTeacher) -> IndexTensor {
    var stream = RandomStream(seed: 4, purpose: "test.ids")
    let L = teacher.layout.count
    return IndexTensor((0..<3 * L).map { _ in Int32(stream.integer(below: vocabulary)) }, [3, L])
  }

  /// What students learn, from whole sequences, is what samples are drawn from, scale by scale.
  @Test(arguments: [Float(0), 1, 2.5]) func cachedEqualsUncached(_ cfg: Float) throws {
    let teacher = makeTeacher()
    let guidance = Guidance(cfg: cfg, temperature: 0.8)
    let ids = Self.randomIDs(teacher)
    let whole = teacher.logProbabilities(ids_BL: ids, labels: Self.labels, guidance: guidance)
    let drawn = try teacher.generate(labels: Self.labels, guidance: guidance) { place, logProbabilities in
      #expect(place.range == teacher.layout.stages[place.stage])
      let distance = (logProbabilities - whole.sliced(axis: 1, place.range)).abs().elements.max() ?? .infinity
      #expect(distance < 1e-4, "scale \(place.stage)")
      return ids.columns(place.range)
    }
    #expect(drawn.array == ids.array)
  }

  /// VAR's ramp: `(1 + s) cond - s uncond`, s from 0 at the first scale to cfg at the last.
  @Test func guidanceGrowsOverTheScales() throws {
    let teacher = makeTeacher()
    let ids = Self.randomIDs(teacher)
    func logits(_ labels: IndexTensor, cfg: Float) -> [Float] {
      teacher.logits(ids_BL: ids, labels: labels, cfg: cfg).elements
    }
    let (conditional, unconditional) = (logits(Self.labels, cfg: 0), logits([3, 3, 3], cfg: 0))
    let guided = logits(Self.labels, cfg: 2)
    let L = teacher.layout.count
    try #require(guided.count == 3 * L * vocabulary && conditional.count == guided.count)
    for (scale, strength) in [Float(0), 1, 2].enumerated() {
      for position in teacher.layout.stages[scale] {
        for row in 0..<3 {
          for index in ((row * L + position) * vocabulary)..<((row * L + position + 1) * vocabulary) {
            let expected = (1 + strength) * conditional[index] - strength * unconditional[index]
            #expect(abs(guided[index] - expected) < 1e-4, "scale \(scale), element \(index)")
          }
        }
      }
    }
    #expect(conditional != unconditional)
  }
}
