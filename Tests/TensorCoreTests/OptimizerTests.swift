import TestSupport
import Testing

@testable import TensorCore

@Suite struct OptimizerTests {
  /// Five steps of PyTorch's AdamW with global-norm clipping, element by element.
  @Test func adamWAgreesWithPyTorch() throws {
    let parameter = try Goldens.tensor("golden-math.h5", "adamw_p0").asLeaf()
    let targets = try Goldens.tensor("golden-math.h5", "adamw_targets")
    let expected = try Goldens.tensor("golden-math.h5", "adamw_p")
    let (m, v) = (Tensor.zeros(parameter.shape), Tensor.zeros(parameter.shape))
    for step in 1...5 {
      let target = targets.sliced(axis: 0, step - 1..<step).dropping(axis: 0)
      let loss = (parameter - target).square().square().sum()
      let gradient = loss.gradients(withRespectTo: [parameter])[0]
      let scale = Float(min(1, 1 / (Tensor.globalNorm([gradient]) + 1e-6)))
      #expect(scale < 1, "the golden run clips")
      parameter.adamWUpdate(
        gradient: gradient, firstMoment: m, secondMoment: v,
        AdamWStep(
          learningRate: 3e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1,
          gradientScale: scale, step: step))
      let after = expected.sliced(axis: 0, step - 1..<step).dropping(axis: 0)
      #expect(mismatch(parameter, after, Tolerance(absolute: 1e-6, relative: 1e-6)) == nil, "step \(step)")
    }
  }

  @Test func manyElementsUseEveryThread() {
    let count = 70_001
    let parameter = Tensor(repeating: 2, [count])
    let (m, v) = (Tensor.zeros([count]), Tensor.zeros([count]))
    parameter.adamWUpdate(
      gradient: Tensor((0..<count).map { $0 % 2 == 0 ? 1 : -1 }, [count]), firstMoment: m, secondMoment: v,
      AdamWStep(
        learningRate: 0.5, beta1: 0.9, beta2: 0.99, epsilon: 0, weightDecay: 0.1, gradientScale: 3, step: 1))
    // At the first step the update is lr times the sign of the gradient.
    let expected = (0..<count).map { 2 * 0.95 - ($0 % 2 == 0 ? 0.5 : -0.5) }
    #expect(mismatch(parameter, expected, shape: [count], .float) == nil)
  }

  @Test func exponentialAverageAndAssignment() {
    let average = Tensor([1, 2], [2])
    let alias = average
    average.averageInPlace(toward: Tensor([3, -2], [2]), decay: 0.75)
    #expect(mismatch(alias, [1.5, 1], shape: [2], .float) == nil)
    let copy = average.copy()
    average.assign(Tensor([7, 8], [2]))
    #expect(alias.elements == [7, 8])
    #expect(mismatch(copy, [1.5, 1], shape: [2], .float) == nil)
  }
}
