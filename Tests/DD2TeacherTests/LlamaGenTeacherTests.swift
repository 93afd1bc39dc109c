import Backbone
import NN
import TensorCore
import TestSupport
import Testing

@testable import DD2Teacher

private let vocabulary = 12

/// A small LlamaGen with random weights: 16x16 pixels, 4x4 tokens.
private func makeTeacher() -> LlamaGenTeacher {
  let transformer = LlamaGenTransformer(
    LlamaGenConfiguration(
      depth: 2, width: 16, heads: 2, classCount: 3, side: 4, latentDimension: 4, vocabulary: vocabulary), seed: 1)
  // The classifier starts at nearly zero; larger weights make the distributions differ.
  for parameter in transformer.parameters.parameters where parameter.path == "output.weight" {
    parameter.value.assign(parameter.value * 100)
  }
  return LlamaGenTeacher(
    transformer: transformer,
    tokenizer: VQTokenizer(
      VQConfiguration(
        channels: 8, channelMultipliers: [1, 1, 1], residualBlocks: 1, normGroups: 4, latentChannels: 8,
        latentDimension: 4, vocabulary: vocabulary), seed: 1))
}

private func randomIDs(_ batch: Int) -> IndexTensor {
  var stream = RandomStream(seed: 4, purpose: "test.ids")
  return IndexTensor((0..<batch * 16).map { _ in Int32(stream.integer(below: vocabulary)) }, [batch, 16])
}

/// Largest difference of two tensors' elements.
private func distance(_ a: Tensor, _ b: Tensor) -> Float { (a - b).abs().elements.max() ?? .infinity }

@Suite("LlamaGen teacher") struct LlamaGenTeacherTests {
  @Test func noLogitSeesItsOwnOrALaterToken() {
    let teacher = makeTeacher()
    let ids = randomIDs(1)
    let logits = teacher.transformer.logits(ids_BL: ids, labels: [1])
    for position in 0..<16 {
      var values = ids.values
      values[position] = (values[position] + 1) % Int32(vocabulary)
      let changed = teacher.transformer.logits(ids_BL: IndexTensor(values, [1, 16]), labels: [1])
      let (before, after) = (0..<(position + 1), (position + 1)..<16)
      #expect(
        changed.sliced(axis: 1, before).elements == logits.sliced(axis: 1, before).elements, "position \(position)")
      for later in after {
        let place = later..<(later + 1)
        #expect(
          changed.sliced(axis: 1, place).elements != logits.sliced(axis: 1, place).elements,
          "position \(position) is not seen by \(later)")
      }
    }
  }

  @Test(arguments: [Float(0), 1, 2.5]) func cachedEqualsUncached(_ cfg: Float) throws {
    let teacher = makeTeacher()
    let guidance = Guidance(cfg: cfg, temperature: 0.8, topK: 6, topP: 0.9)
    let ids = randomIDs(3)
    let labels: IndexTensor = [0, 2, 1]
    let whole = teacher.logProbabilities(ids_BL: ids, labels: labels, guidance: guidance)
    let drawn = try teacher.generate(labels: labels, guidance: guidance) { place, logProbabilities in
      #expect(place.range == place.stage..<(place.stage + 1))
      #expect(distance(logProbabilities, whole.sliced(axis: 1, place.range)) < 1e-4, "stage \(place.stage)")
      return ids.columns(place.range)
    }
    #expect(drawn.array == ids.array)
  }

  @Test func guidanceOfOneAndLessIsNone() {
    let teacher = makeTeacher()
    let ids = randomIDs(2)
    func logits(_ cfg: Float) -> Tensor { teacher.logits(ids_BL: ids, labels: [0, 1], cfg: cfg) }
    #expect(logits(1).elements == logits(0).elements)
    #expect(logits(0.5).elements == logits(0).elements)
    let unconditional = teacher.transformer.logits(ids_BL: ids, labels: [3, 3])
    #expect(distance(logits(3), unconditional + (logits(0) - unconditional) * 3) < 1e-5)
  }

  @Test func samplesAreTheSameAtAnyBatchSize() throws {
    let teacher = makeTeacher()
    let guidance = Guidance(cfg: 1.5, temperature: 0.9)
    let labels = (0..<16).map { Int32($0 % 3) }
    let together = try teacher.sample(labels: IndexTensor(labels), guidance: guidance, seed: 5, indices: Array(0..<16))
    for index in [0, 7, 15] {
      let alone = try teacher.sample(
        labels: IndexTensor([labels[index]]), guidance: guidance, seed: 5, indices: [index])
      #expect(Array(together.values[(index * 16)..<((index + 1) * 16)]) == alone.values)
    }
    #expect(Set(together.values).count > 3)
  }

  @Test func studentsStartFromTheTeachersStates() throws {
    let teacher = makeTeacher()
    let set = ParameterSet()
    let trunk = try teacher.trunkConfiguration.makeTrunk(
      ParameterBuilder(set, seed: 9), mapState: teacher.mapState)
    try set.load(teacher.trunkState)
    let ids = randomIDs(2)
    let latents_BLD = teacher.codebook.latents(ids) * teacher.codebook.scale
    let states = trunk.hiddenStates(latents_BLD: latents_BLD, known_Bm: nil, labels: [0, 3], extra_BLC: nil)
    let classifier = try #require(teacher.transformer.parameters.stateDict()["output.weight"])
    let expected = teacher.transformer.logits(ids_BL: ids, labels: [0, 3])
    #expect(relativeToLargest(states.linear(weight: classifier), expected) < 1e-5)
  }

  @Test func tokensSurviveDecodingOfTheirCodes() {
    let tokenizer = makeTeacher().tokenizer
    let lengths = tokenizer.codes_VD.square().sum(axis: 1).elements
    #expect(lengths.allSatisfy { abs($0 - 1) < 1e-5 })
    let ids = randomIDs(1)
    // Latents of any length along a code are that code.
    let latents = tokenizer.codes_VD.gatherRows(ids).reshaped([1, 4, 4, 4]) * 7
    #expect(tokenizer.quantizeForTraining(latents, commitment: 0.25).ids.array == ids.array)
  }
}
