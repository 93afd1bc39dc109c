import NN
import TensorCore
import TestSupport
import Testing

@testable import Backbone

private let configuration = LlamaGenConfiguration(
  depth: 2, width: 32, heads: 2, classCount: 3, side: 3, latentDimension: 4, vocabulary: 8)
private let codes_VD = Tensor.normal([8, 4], seed: 1, purpose: "test.codes")

private func latents(_ batch: Int) -> Tensor { Tensor.normal([batch, 9, 4], seed: 3, purpose: "test") }

/// A trunk whose latent projection is not zero.
private func makeTrunk() throws -> LlamaGenTrunk {
  let set = ParameterSet()
  let trunk = LlamaGenTrunk(ParameterBuilder(set, seed: 2), configuration, codes_VD: codes_VD)
  let body = set.stateDict().filter { !$0.hasPrefix("latent_projection") }
  try set.load(LlamaGenTrunk.state(body: body, codes_VD: codes_VD))
  return trunk
}

@Suite("LlamaGen configuration") struct LlamaGenConfigurationTests {
  @Test func presetsHaveThePublishedSizes() throws {
    #expect(LlamaGenConfiguration.presets.count == 10)
    let expected = [
      ("b", 12, 768, 12, 2048), ("l", 24, 1024, 16, 2816), ("xl", 36, 1280, 20, 3584), ("xxl", 48, 1536, 24, 4096),
      ("3b", 24, 3200, 32, 8704),
    ]
    for (name, depth, width, heads, hidden) in expected {
      for (pixels, tokens) in [(256, 256), (384, 576)] {
        let preset = try #require(LlamaGenConfiguration.presets["llamagen-\(name)-\(pixels)"])
        #expect([preset.depth, preset.width, preset.heads] == [depth, width, heads])
        #expect(preset.feedForwardWidth == hidden)
        #expect(preset.layout.count == tokens && preset.layout.stageLengths.allSatisfy { $0 == 1 })
        #expect([preset.vocabulary, preset.latentDimension, preset.classCount] == [16384, 8, 1000])
      }
    }
  }
}

@Suite("LlamaGen trunk") struct LlamaGenTrunkTests {
  @Test func laterTokensDoNotReachEarlierStates() throws {
    let trunk = try makeTrunk()
    let q = latents(2)
    let states = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0, 1], extra_BLC: nil)
    #expect(states.shape == [2, 9, 32])
    for position in 0..<9 {
      var elements = q.elements
      elements[position * 4] += 1
      let changed = trunk.hiddenStates(
        latents_BLD: Tensor(elements, q.shape), known_Bm: nil, labels: [0, 1], extra_BLC: nil)
      let end = position + 1
      #expect(changed.sliced(axis: 1, 0..<end).elements == states.sliced(axis: 1, 0..<end).elements)
      if end < 9 { #expect(changed.sliced(axis: 1, end..<9).elements != states.sliced(axis: 1, end..<9).elements) }
    }
  }

  @Test func firstTokensAloneHaveTheStatesOfTheWhole() throws {
    let trunk = try makeTrunk()
    let q = latents(2)
    let whole = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0, 1], extra_BLC: nil)
    for end in 1...9 {
      let states = trunk.hiddenStates(
        latents_BLD: q.sliced(axis: 1, 0..<end), known_Bm: nil, labels: [0, 1], extra_BLC: nil)
      #expect(relativeToLargest(states, whole.sliced(axis: 1, 0..<end)) < 1e-5, "to \(end)")
    }
  }

  /// Known tokens are looked up, the others searched for: the states are those of a search for all.
  @Test func knownTokensNeedNoSearch() throws {
    let trunk = try makeTrunk()
    let ids_BL = IndexTensor((0..<18).map { Int32($0 * 5 % 8) }, [2, 9])
    let codes_BLD = codes_VD.gatherRows(ids_BL)
    func states(_ latents_BLD: Tensor, known: IndexTensor?) -> Tensor {
      trunk.hiddenStates(latents_BLD: latents_BLD, known_Bm: known, labels: [0, 1], extra_BLC: nil)
    }
    let noise_BLD = latents(2)
    for m in [1, 4, 8, 9] {
      let mixed_BLD = Tensor.concatenated(
        [codes_BLD.sliced(axis: 1, 0..<m), noise_BLD.sliced(axis: 1, m..<9)], axis: 1)
      let expected = states(mixed_BLD, known: nil)
      #expect(relativeToLargest(states(mixed_BLD, known: ids_BL.columns(0..<m)), expected) < 1e-5, "\(m) known")
      // What is known is not looked for.
      #expect(
        states(noise_BLD, known: ids_BL.columns(0..<m)).sliced(axis: 1, 0..<m).elements
          == states(mixed_BLD, known: ids_BL.columns(0..<m)).sliced(axis: 1, 0..<m).elements)
    }
  }

  @Test func classAndExtraInputMatter() throws {
    let trunk = try makeTrunk()
    let q = latents(1)
    let states = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0], extra_BLC: nil).elements
    #expect(trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [3], extra_BLC: nil).elements != states)
    let extra = Tensor(repeating: 0.1, [1, 9, 32])
    #expect(trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0], extra_BLC: extra).elements != states)
  }

  @Test func theClassTokenHasNoRotation() {
    let table = RotaryTable(side: 3, headWidth: 8, tokens: 8)
    #expect(table.cosine.shape == [9, 4])
    #expect(table.cosine.sliced(axis: 0, 0..<1).elements == [0, 0, 0, 0])
    #expect(table.sine.sliced(axis: 0, 0..<1).elements == [0, 0, 0, 0])
    // Token 5 lies in row 1, column 2; the two frequencies are 1 and 1/100.
    let expected = [1.0, 0.01, 2, 0.02].map { Double(Tensor([Float($0)], [1]).sin().item) }
    #expect(mismatch(table.sine.sliced(axis: 0, 6..<7), expected, shape: [1, 4], .float) == nil)
  }
}

@Suite("Latents in place of tokens") struct LatentEmbeddingTests {
  @Test func theSlopeOfALinearTableIsFound() {
    // E_j = A c_j + b: the regression finds A, up to its small ridge.
    let A_CD = Tensor.normal([6, 4], seed: 5, purpose: "test.slope")
    let table_VC = codes_VD.matmul(A_CD, transposeOther: true) + Tensor([1, 2, 3, 4, 5, 6], [6])
    let fitted = LatentEmbedding.fittedProjection(table_VC: table_VC, codes_VD: codes_VD)
    #expect(relativeToLargest(fitted, A_CD) < 1e-2)
  }

  @Test func codesInFewerDimensionsHaveASlope() {
    let flat_VD = codes_VD * Tensor([1, 1, 0, 0], [4])
    let table_VC = Tensor.normal([8, 6], seed: 6, purpose: "test.table")
    #expect(LatentEmbedding.fittedProjection(table_VC: table_VC, codes_VD: flat_VD).isFinite)
  }

  @Test func itIsTheTableOnCodesAndLinearAroundThem() {
    let set = ParameterSet()
    let builder = ParameterBuilder(set, seed: 7)
    let table = Embedding(builder / "table", rows: 8, width: 6, initializer: .normal(1))
    let embedding = LatentEmbedding(builder, table: table, codes_VD: codes_VD)
    let slope_CD = Tensor.normal([6, 4], seed: 8, purpose: "test.slope")
    for parameter in set.parameters where parameter.path == "latent_projection.weight" {
      parameter.value.assign(slope_CD)
    }
    let ids = IndexTensor([3, 0, 7], [1, 3])
    let codes_BlD = codes_VD.gatherRows(ids)
    #expect(relativeToLargest(embedding(codes_BlD), table(ids)) < 1e-6)
    let step = Tensor([0.01, -0.02, 0.03, 0.01], [4])
    let expected = table(ids) + slope_CD.matmul(step.reshaped([4, 1])).reshaped([6])
    #expect(relativeToLargest(embedding(codes_BlD + step), expected) < 1e-5)
    // Both the table and the slope are trained.
    let gradients = embedding(codes_BlD + step).square().sum().gradients(withRespectTo: set.values)
    #expect(gradients.allSatisfy { Tensor.globalNorm([$0]).item > 0 })
  }
}
