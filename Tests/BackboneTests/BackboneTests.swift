import Backbone
import NN
import TensorCore
import TestSupport
import Testing

private let configuration = VARConfiguration(
  depth: 2, width: 32, heads: 2, classCount: 3, patchSides: [1, 2, 3], latentDimension: 4, vocabulary: 8)

private func makeTrunk() throws -> VARTrunk {
  let mapSet = ParameterSet()
  let map = MultiScaleMap(ParameterBuilder(mapSet, seed: 1), patchSides: [1, 2, 3], latentDimension: 4)
  return VARTrunk(ParameterBuilder(ParameterSet(), seed: 2), configuration, map: map)
}

private func latents(_ batch: Int) -> Tensor {
  Tensor.normal([batch, configuration.layout.count, 4], seed: 3, purpose: "test")
}

@Suite("Token layout and residual map") struct LayoutTests {
  @Test func stagesAndVisibility() {
    let layout = TokenLayout(patchSides: [1, 2])
    #expect(layout.count == 5)
    #expect(layout.stages == [0..<1, 1..<5])
    #expect(layout.visibleCounts == [1, 5, 5, 5, 5])
  }

  @Test func partsDouble() throws {
    let scales = TokenLayout(patchSides: [1, 2, 3, 4, 6, 8])
    #expect(try scales.parts(1) == [0..<130])
    #expect(try scales.parts(3) == [0..<30, 30..<66, 66..<130])
    #expect(try scales.parts(6) == scales.stages)
    let tokens = TokenLayout(stageLengths: [Int](repeating: 1, count: 64))
    #expect(try tokens.parts(4) == [0..<8, 8..<16, 16..<32, 32..<64])
    #expect(try tokens.parts(64) == tokens.stages)
    #expect(try TokenLayout(stageLengths: [1, 1, 98]).parts(2) == [0..<2, 2..<100])
    for count in [0, 7] {
      let error = #expect(throws: PartCountError.self) { try scales.parts(count) }
      #expect(error?.parts == count && error?.stages == 6)
    }
  }

  @Test func phiIndicesAreThoseOfTheReference() {
    let indices = (0..<10).map { MultiScaleMap.phiIndex(scale: $0, scaleCount: 10, phiCount: 4) }
    #expect(indices == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3])
  }
}

@Suite("VAR trunk") struct VARTrunkTests {
  @Test func laterScalesDoNotReachEarlierStates() throws {
    let trunk = try makeTrunk()
    let q = latents(2)
    let states = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0, 1], extra_BLC: nil)
    for scale in 0..<3 {
      // A change in the tokens of this scale must show in later scales only.
      var elements = q.elements
      for position in trunk.layout.stages[scale] { elements[position * 4] += 1 }
      let changed = trunk.hiddenStates(
        latents_BLD: Tensor(elements, q.shape), known_Bm: nil, labels: [0, 1], extra_BLC: nil)
      let end = trunk.layout.stages[scale].upperBound
      #expect(
        changed.sliced(axis: 1, 0..<end).elements == states.sliced(axis: 1, 0..<end).elements, "scale \(scale)")
      if scale < 2 {
        #expect(changed.sliced(axis: 1, end..<14).elements != states.sliced(axis: 1, end..<14).elements)
      }
    }
  }

  @Test func firstScalesAloneHaveTheStatesOfTheWhole() throws {
    let trunk = try makeTrunk()
    let q = latents(2)
    let extra = Tensor.normal([2, 14, 32], seed: 4, purpose: "test")
    let whole = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [2, 1], extra_BLC: extra)
    for stage in trunk.layout.stages {
      let first = 0..<stage.upperBound
      let states = trunk.hiddenStates(
        latents_BLD: q.sliced(axis: 1, first), known_Bm: nil, labels: [2, 1],
        extra_BLC: extra.sliced(axis: 1, first))
      #expect(states.shape == [2, stage.upperBound, 32])
      #expect(relativeToLargest(states, whole.sliced(axis: 1, first)) < 1e-5, "to \(stage.upperBound)")
    }
  }

  @Test func cachedStatesEqualTeacherForcedOnes() throws {
    let trunk = try makeTrunk()
    let q = latents(2)
    let whole = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [2, 1], extra_BLC: nil)
    let cache = configuration.makeCache(batch: 2)
    let inputs = trunk.map.inputs(latents_BLD: q)
    for (scale, stage) in trunk.layout.stages.enumerated() {
      let view =
        scale == 0 ? nil : inputs.sliced(axis: 1, (stage.lowerBound - 1)..<(stage.upperBound - 1))
      let states = withoutGradient {
        trunk.hiddenStates(scales: scale...scale, views_BlD: view, labels: [2, 1], cache: cache)
      }
      #expect(relativeToLargest(states, whole.sliced(axis: 1, stage)) < 1e-5)
    }
  }

  @Test func classAndExtraInputMatter() throws {
    let trunk = try makeTrunk()
    let q = latents(1)
    let states = trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0], extra_BLC: nil).elements
    #expect(trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [3], extra_BLC: nil).elements != states)
    let extra = Tensor(repeating: 0.1, [1, 14, 32])
    #expect(trunk.hiddenStates(latents_BLD: q, known_Bm: nil, labels: [0], extra_BLC: extra).elements != states)
  }

  @Test func sharedAdaLNUsesTheReferencePaths() {
    var shared = configuration
    shared.sharesAdaLN = true
    let set = ParameterSet()
    let map = MultiScaleMap(
      ParameterBuilder(ParameterSet(), seed: 1), patchSides: [1, 2, 3], latentDimension: 4)
    _ = VARTrunk(ParameterBuilder(set, seed: 2), shared, map: map)
    let shapes = Dictionary(uniqueKeysWithValues: set.parameters.map { ($0.path, $0.value.shape) })
    #expect(shapes["shared_ada_lin.1.weight"] == [192, 32])
    #expect(shapes["blocks.1.ada_gss"] == [1, 1, 6, 32])
    #expect(shapes["blocks.1.ada_lin.1.weight"] == nil)
  }
}

@Suite("Codebook and denoising head") struct HeadTests {
  @Test func theCodebookHasUnitScaleAndFindsItsOwnVectors() {
    let book = Codebook(teacherVectors_VD: Tensor.normal([20, 4], seed: 1, purpose: "codes") * 0.3)
    #expect(abs(book.vectors_VD.square().mean().item - 1) < 1e-5)
    let ids = IndexTensor([3, 0, 19, 7], [2, 2])
    for _ in 0..<2 { #expect(book.nearest(book.latents(ids) + 1e-3).array == ids.array) }
  }

  @Test func aLongSearchFindsWhatShortOnesFind() {
    // More products than one block holds.
    let vectors_VD = Tensor.normal([1 << 14, 8], seed: 1, purpose: "codes")
    let search = NearestCode(vectors_VD)
    let queries_ND = Tensor.normal([2500, 8], seed: 2, purpose: "queries")
    let whole = search.nearest(queries_ND)
    let parts = (0..<25).flatMap { search.nearest(queries_ND.sliced(axis: 0, ($0 * 100)..<($0 * 100 + 100))).values }
    #expect(whole.array == IndexArray(parts, [2500]))
    let own = vectors_VD.sliced(axis: 0, 3000..<5000)
    #expect(search.nearest(own).values == (3000..<5000).map { Int32($0) })
  }

  @Test func theUntrainedLinearHeadIsTheLinearEstimate() {
    let head = DenoisingHead(
      ParameterBuilder(ParameterSet(), seed: 0), DenoisingHeadConfiguration(estimate: .linear, width: 16, depth: 1),
      hiddenWidth: 8, codebook: Codebook(teacherVectors_VD: Tensor.normal([5, 2], seed: 1, purpose: "codes")))
    let x_t = Tensor([1, 2, 3, 4], [2, 1, 1, 2])
    let t = Tensor([0.5, 1], [2, 1, 1])
    let x0 = head(hidden_BLC: Tensor.normal([1, 1, 8], seed: 1, purpose: "h"), x_t: x_t, t: t)
    // At t = 0.5 the weight of x_t is 0.5 / 0.5; at t = 1 it is 0.
    #expect(mismatch(x0, [1, 2, 0, 0], shape: [2, 1, 1, 2], .float) == nil)
  }

  @Test func theUntrainedPosteriorHeadIsThePosteriorOfItsClassifier() throws {
    let set = ParameterSet()
    let book = Codebook(teacherVectors_VD: Tensor.normal([5, 2], seed: 1, purpose: "codes") * 0.3)
    let head = DenoisingHead(
      ParameterBuilder(set, seed: 0), DenoisingHeadConfiguration(width: 16, depth: 1), hiddenWidth: 8, codebook: book)
    var state = set.stateDict()
    let weight = Tensor.normal([5, 8], seed: 2, purpose: "weight")
    let bias = Tensor.normal([1, 5], seed: 3, purpose: "bias").reshaped([5])
    state["classifier.weight"] = weight
    state["classifier.bias"] = bias
    try set.load(state)
    let hidden_BLC = Tensor.normal([1, 3, 8], seed: 4, purpose: "h")
    let x_t = Tensor.normal([2, 3, 2], seed: 5, purpose: "x").reshaped([2, 1, 3, 2])
    let t = Tensor([0.1, 0.5, 1, 0.9, 0.3, 0.02], [2, 1, 3])
    let expected = codebookPosteriorMean(
      x_t, t: t, logProbabilities: hidden_BLC.linear(weight: weight, bias: bias).logSoftmax(),
      codebook: book.vectors_VD)
    let x0 = head(hidden_BLC: hidden_BLC, x_t: x_t, t: t)
    #expect(mismatch(x0, expected, Tolerance(absolute: 1e-5, relative: 0)) == nil)
  }
}
