import DD2Generator
import DD2Teacher
import Foundation
import NN
import ScoreNet
import TensorCore
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
      let labels: [Int32] = [0, 9, 4]
      let random = StepRandom(seed: 1, purpose: "test", step: 0)
      let t = random.times(K, B, L, in: 0.02...1)
      let q_BLD = teacher.codebook.latents(ids)
      let x_t = noised(q_BLD, t: t, noise: random.noise(K, B, L, D))
      let expected = codebookPosterior(
        x_t, t: t, logProbabilities: teacher.logProbabilities(ids_BL: ids, labels: labels, guidance: .init()),
        codebook: teacher.codebook.vectors_VD
      ).mean.elements
      let drawn = network.denoise(
        hidden_BLC: network.hiddenStates(latents_BLD: q_BLD, labels: labels), x_t: x_t, t: t
      ).elements
      #expect(zip(drawn, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }
}

@Suite("Warm start") struct PairRegressionTests {
  private static func configuration(crossEntropy: Float) -> DistillationConfiguration {
    var settings = DistillationConfiguration(steps: 1)
    settings.batch = 3
    settings.pairs = 3
    settings.pairIntegrationSteps = 4
    settings.warmStartSteps = 60
    settings.warmStartLearningRate = 3e-3
    settings.warmStartCrossEntropy = crossEntropy
    settings.head = .init(width: 16, depth: 1)
    return settings
  }

  private static func regression(
    _ teacher: any DD2Teacher.Teacher, _ settings: DistillationConfiguration
  ) throws -> (stage: PairRegression, pairs: TokenSet) {
    let pairs = TokenPairs.collect(
      teacher: teacher, guidance: .init(), count: settings.pairs, steps: settings.pairIntegrationSteps, batch: 3,
      seed: settings.seed
    ) { _ in }
    let stage1 = try StudentFactory(teacher: teacher, head: settings.head, seed: settings.seed).scoreNetwork()
    let stage = try PairRegression(
      teacher: teacher, stage1: stage1.parameters.stateDict(), pairs: TokenSource { pairs }, configuration: settings)
    return (stage, pairs)
  }

  @Test(arguments: TinyTeacher.allCases)
  func reportsDistanceAndCrossEntropyOfThePairs(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let settings = Self.configuration(crossEntropy: 1)
      let (stage, pairs) = try Self.regression(teacher, settings)
      let noise_BLD = TokenPairs.noise(teacher: teacher, count: 3, seed: settings.seed, firstIndex: 0)
      let (q_BLD, logits) = stage.generator.draw(noise_BLD: noise_BLD, labels: pairs.labels)
      let (V, D) = (teacher.codebook.count, teacher.codebook.dimension)
      let (q, rows) = (q_BLD.elements, try #require(logits).elements)
      let codes = teacher.codebook.vectors_VD.elements
      var distance = 0.0
      var crossEntropy = 0.0
      for (row, id) in pairs.ids.values.enumerated() {
        for d in 0..<D { distance += pow(Double(q[row * D + d]) - Double(codes[Int(id) * D + d]), 2) }
        let sum = (0..<V).reduce(0.0) { $0 + exp(Double(rows[row * V + $1])) }
        crossEntropy += log(sum) - Double(rows[row * V + Int(id)])
      }
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0))
      let count = Double(pairs.ids.values.count)
      #expect(abs(try #require(metrics["regression"]) - distance / count) < 1e-4)
      #expect(abs(try #require(metrics["cross_entropy"]) - crossEntropy / count) < 1e-4)
    }
  }

  @Test func crossEntropyTrainsTheTokens() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      let final = try [Float(0), 1].map { weight -> Double in
        let (stage, _) = try Self.regression(teacher, Self.configuration(crossEntropy: weight))
        var last: [(String, Double)] = []
        for step in 0..<60 { last = try stage.step(step) }
        return try #require(last.first { $0.0 == "cross_entropy" }?.1)
      }
      #expect(final[1] < 0.8 * final[0], "cross-entropy \(final[1]) with its loss, \(final[0]) without")
    }
  }
}
