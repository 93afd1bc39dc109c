import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct OptimizerTests {
  /// Five steps of PyTorch's AdamW with global-norm clipping, element by element.
  @Test(.onTestDevice) func adamWAgreesWithPyTorch() throws {
    let parameter = try Goldens.tensor("golden-math.h5", "adamw_p0").asLeaf()
    let targets = try Goldens.tensor("golden-math.h5", "adamw_targets")
    let expected = try Goldens.tensor("golden-math.h5", "adamw_p")
    let (m, v) = (Tensor.zeros(parameter.shape), Tensor.zeros(parameter.shape))
    let form = AdamWForm(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, clipNorm: 1, weightDecay: [0.1])
    for step in 1...5 {
      let target = targets.sliced(axis: 0, step - 1..<step).dropping(axis: 0)
      let loss = (parameter - target).square().square().sum()
      let gradient = loss.gradients(withRespectTo: [parameter])[0]
      let norm = update(parameter, gradient, m, v, form, learningRate: 3e-3, step: step)
      #expect(norm > 1, "the golden run clips")
      let after = expected.sliced(axis: 0, step - 1..<step).dropping(axis: 0)
      #expect(mismatch(parameter, after, Tolerance(absolute: 1e-6, relative: 1e-6)) == nil, "step \(step)")
    }
  }

  @Test func manyElementsUseEveryThread() {
    let count = 70_001
    let parameter = Tensor(repeating: 2, [count])
    let (m, v) = (Tensor.zeros([count]), Tensor.zeros([count]))
    update(
      parameter, Tensor((0..<count).map { $0 % 2 == 0 ? 1 : -1 }, [count]), m, v,
      AdamWForm(beta1: 0.9, beta2: 0.99, epsilon: 0, clipNorm: 1e9, weightDecay: [0.1]), learningRate: 0.5, step: 1)
    // At the first step the update is lr times the sign of the gradient.
    let expected = (0..<count).map { 2 * 0.95 - ($0 % 2 == 0 ? 0.5 : -0.5) }
    #expect(mismatch(parameter, expected, shape: [count], .float) == nil)
  }

  /// The learning rate and the corrections are operands, so one form serves all steps.
  @discardableResult private func update(
    _ parameter: Tensor, _ gradient: Tensor, _ m: Tensor, _ v: Tensor, _ form: AdamWForm, learningRate: Float,
    step: Int
  ) -> Float {
    func correction(_ beta: Float) -> Float { Float(1 - pow(Double(beta), Double(step))) }
    return adamWUpdate(
      [parameter], firstMoments: [m], secondMoments: [v], gradients: [gradient],
      scalars: Tensor([learningRate, correction(form.beta1), correction(form.beta2)], [3]), form
    ).norm.item
  }

  @Test func exponentialAverageAndAssignment() {
    let average = Tensor([1, 2], [2])
    let alias = average
    averageUpdate([average], toward: [Tensor([3, -2], [2])], decay: Tensor(0.75), norm: Tensor(1))
    #expect(mismatch(alias, [1.5, 1], shape: [2], .float) == nil)
    averageUpdate([average], toward: [Tensor([3, -2], [2])], decay: Tensor(0.75), norm: Tensor(.nan))
    #expect(mismatch(alias, [1.5, 1], shape: [2], .float) == nil, "a bad update moves no average")
    let copy = average.copy()
    average.assign(Tensor([7, 8], [2]))
    #expect(alias.elements == [7, 8])
    #expect(mismatch(copy, [1.5, 1], shape: [2], .float) == nil)
  }

  @Test func overwriting() {
    let cache = Tensor.zeros([2, 3, 2])
    cache.overwrite(axis: 1, at: .scalar(1), with: Tensor([1, 2, 3, 4], [2, 1, 2]))
    #expect(cache.elements == [0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 0, 0])
  }

  /// Pieces of a norm are summed in the same order by any number of threads; here more than one piece.
  @Test func globalNormOfSeveralTensors() {
    let count = 200_003
    let values = (0..<count).map { Float($0 % 7 - 3) }
    let (long, short) = (Tensor(values, [count]), Tensor([3, 4], [2]))
    let squares = values.reduce(25) { $0 + Double($1 * $1) }
    #expect(mismatch([Tensor.globalNorm([long, short]).item], [squares.squareRoot()], .float) == nil)
  }
}
