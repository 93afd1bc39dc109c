import DD2Generator
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
