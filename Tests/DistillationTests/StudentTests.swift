import DD2Generator
import DD2Teacher
import Foundation
import NN
import Sampling
import ScoreNet
import TeacherModels
import TensorCore
import Training
import TestModels
import TestSupport
import Testing

@testable import Distillation

@Suite("Students") struct StudentTests {
  @Test(arguments: TinyTeacher.allCases)
  func theScoreNetworkStartsAsTheTeachersPosterior(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let network = try StudentFactory(teacher: teacher, head: .init(width: 16, depth: 1), seed: 3).scoreNetwork()
      let (K, B, L, D) = (2, 3, teacher.layout.count, teacher.codebook.dimension)
      let ids = IndexTensor((0..<(B * L)).map { Int32($0 * 7 % teacher.codebook.count) }, [B, L])
      let labels: IndexTensor = [0, 9, 4]
      let random = StepRandom(
        seed: 1, purpose: "test", step: RandomCounter(0), pass: BatchPass(rows: [0..<B], batch: B))
      let t = random.times(K, L, in: 0.02...1)
      let q_BLD = teacher.codebook.latents(ids)
      let x_t = noised(q_BLD, t: t, noise: random.noise(K, L, D))
      let expected = codebookPosteriorMean(
        x_t, t: t, logProbabilities: teacher.logProbabilities(ids_BL: ids, labels: labels, guidance: .init()),
        codebook: teacher.codebook.vectors_VD)
      let drawn = network.denoise(
        hidden_BLC: network.hiddenStates(ids_BL: ids, labels: labels), x_t: x_t, t: t)
      #expect(mismatch(drawn, expected, Tolerance(absolute: 1e-4, relative: 0)) == nil)
    }
  }
}

@Suite("Warm start") struct PairRegressionTests {
  fileprivate static func configuration() -> DistillationConfiguration {
    var settings = DistillationConfiguration(steps: 1)
    settings.batch = 3
    settings.pairs = 3
    settings.pairIntegrationSteps = 4
    settings.warmStartSteps = 60
    settings.regressionLearningRate = 3e-3
    settings.head = .init(width: 16, depth: 1)
    return settings
  }

  fileprivate static func regression(
    _ teacher: any DD2Teacher.Teacher, _ settings: DistillationConfiguration
  ) throws -> (stage: PairRegression, pairs: TokenSet) {
    let pairs = try TokenPairs.collect(
      teacher: teacher, guidance: .init(), indices: 0..<settings.pairs, steps: settings.pairIntegrationSteps,
      seed: settings.seed)
    let stage1 = try StudentFactory(teacher: teacher, head: settings.head, seed: settings.seed).scoreNetwork()
    let stage = try PairRegression(
      name: "warm-start", steps: settings.warmStartSteps, teacher: teacher, initial: stage1.parameters.stateDict(),
      pairs: TokenSource { pairs }, configuration: settings, monitor: nil)
    return (stage, pairs)
  }

  @Test(arguments: TinyTeacher.allCases)
  func reportsDistanceAndCrossEntropyOfThePairs(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let settings = Self.configuration()
      let (stage, pairs) = try Self.regression(teacher, settings)
      let noise_BLD = TokenPairs.noise(teacher: teacher, indices: [0, 1, 2], seed: settings.seed)
      let drawn = stage.generator.draw(
        noise_BLD: noise_BLD, labels: IndexTensor(pairs.labels), reading: IndexTensor(pairs.ids))
      let (V, D) = (teacher.codebook.count, teacher.codebook.dimension)
      let (q, rows) = (drawn.latents_BLD.elements, try #require(drawn.logits_BLV).elements)
      let codes = teacher.codebook.vectors_VD.elements
      var distance = 0.0
      var crossEntropy = 0.0
      for (row, id) in pairs.ids.values.enumerated() {
        for d in 0..<D { distance += pow(Double(q[row * D + d]) - Double(codes[Int(id) * D + d]), 2) }
        let sum = (0..<V).reduce(0.0) { $0 + exp(Double(rows[row * V + $1])) }
        crossEntropy += log(sum) - Double(rows[row * V + Int(id)])
      }
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0).read(step: 0))
      let count = Double(pairs.ids.values.count)
      #expect(abs(try #require(metrics["regression"]) - distance / count) < 1e-4)
      #expect(abs(try #require(metrics["cross_entropy"]) - crossEntropy / count) < 1e-4)
    }
  }

  @Test func theRegressionTrainsTheTokens() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      let (stage, _) = try Self.regression(teacher, Self.configuration())
      let metrics = try (0..<60).map { Dictionary(uniqueKeysWithValues: try stage.step($0).read(step: $0)) }
      for name in ["cross_entropy", "regression"] {
        let (first, last) = (try #require(metrics[0][name]), try #require(metrics[59][name]))
        #expect(last < 0.8 * first, "\(name) went from \(first) to \(last)")
      }
    }
  }
}

extension PairRegressionTests {
  /// A part reads the pair's tokens of the parts before it, not those that these draw.
  @Test(arguments: TinyTeacher.allCases)
  func partsReadThePairsTokens(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      var settings = Self.configuration()
      settings.adaptation.parts = 2
      let (stage, pairs) = try Self.regression(teacher, settings)
      let (order, tokens) = try TokenSource { pairs }.batch(step: 0, size: 3, seed: settings.seed &+ 2)
      let (ids, labels) = tokens.batch([0, 1, 2])
      let noise_BLD = Tensor.concatenated(
        order.map { TokenPairs.noise(teacher: teacher, indices: [$0], seed: settings.seed) }, axis: 0)
      let target_BLD = teacher.codebook.latents(ids)
      func distance(reading read_BL: IndexTensor?) -> Float {
        let drawn = stage.generator.draw(noise_BLD: noise_BLD, labels: labels, reading: read_BL)
        return (drawn.latents_BLD - target_BLD).square().sum(axis: -1).mean().item
      }
      let (forced, free) = (distance(reading: ids), distance(reading: nil))
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0).read(step: 0))
      #expect(abs(try #require(metrics["regression"]) - Double(forced)) < 1e-5)
      #expect(abs(forced - free) > 5e-5)
    }
  }
}
