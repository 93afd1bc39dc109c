import TensorCore

extension Family {
  static var integerExamples: [Example] {
    [
      Example("integers") {
        let ids = IndexTensor([5, 1, 4, 1, 3, 2], [2, 3])
        let x = Tensor([1, 3, 3, -2, -5, -2], [2, 3])
        let mask = Tensor([1, 0, 0, 1, 0, 1], [2, 3])
        return [
          ids.columns(1..<3), IndexTensor.concatenated([ids, ids], axis: 0), x.argmax(),
          ids.replaced(by: IndexTensor(repeating: 9, [2, 3]), where: mask), IndexTensor(repeating: 7, [3]),
        ].map(\.numbers)
      }
    ]
  }

  /// Integers bit for bit, numbers up to the rounding of logarithms and sines.
  static var randomExamples: [Example] {
    func numbers() -> RandomNumbers { RandomNumbers(seed: 5, purpose: "test", step: RandomCounter(3 + 5 << 32)) }
    func samples() -> RandomCounter { RandomCounter([7, 1 << 40 + 9, 0]) }
    return [
      Example("random integers") {
        [
          numbers().integers([3, 5], below: 1000, samples: samples()).numbers,
          numbers().integers([2, 4], below: 7).numbers,
        ]
      },
      Example("uniform numbers", absolute: 2e-6, relative: 2e-6) {
        [numbers().uniform([3, 2, 3], in: -1..<2, samples: samples()).elements]
      },
      Example("normal numbers", absolute: 1e-5, relative: 1e-5) {
        [numbers().normal([3, 7], samples: samples()).elements]
      },
    ]
  }

  static var choiceExamples: [Example] {
    func logits() -> Tensor {
      var logits = (0..<40).map { Float(($0 * 7) % 11) }
      logits[33] = 20
      return Tensor(logits, [4, 10])
    }
    return [
      Example("likely tokens") {
        [(3, 1), (0, 0.6), (4, 0.7), (0, 1)].map { topK, topP in
          keepingLikely(logits(), topK: topK, topP: Float(topP), removed: -1e9).elements
        }
      },
      Example("drawn tokens") {
        [drawTokens(logits().logSoftmax(), uniform: Tensor([0, 0.3, 0.9999, 0.5], [4])).numbers]
      },
    ]
  }

  static var updateExamples: [Example] {
    [
      Example("updates", absolute: 2e-6, relative: 2e-6) {
        let parameters = [Tensor([1, -2, 3, 4], [2, 2]), Tensor([0.5, 1], [2])]
        let (m, v) = (parameters.map { Tensor.zeros($0.shape) }, parameters.map { Tensor.zeros($0.shape) })
        let averages = parameters.map { $0.copy() }
        let form = AdamWForm(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1, weightDecay: [0.1, 0])
        for (step, bad) in [Float(0), .nan, 0].enumerated() {
          Backends.step {
            let gradients = [Tensor([1, 2, -3, bad], [2, 2]), Tensor([0.1, 0], [2])]
            let (norm, _) = adamWUpdate(
              parameters, firstMoments: m, secondMoments: v, gradients: gradients,
              scalars: Tensor([0.1 / Float(step + 1), 0.1, 0.01], [3]), form)
            averageUpdate(averages, toward: parameters, decay: Tensor(0.75), norm: norm)
          }
        }
        return (parameters + m + v + averages).map(\.elements)
      },
      Example("overwritten") {
        let cache = Tensor.zeros([2, 3, 2])
        cache.overwrite(axis: 1, at: .scalar(1), with: Tensor([1, 2, 3, 4], [2, 1, 2]))
        return [cache.elements]
      },
    ]
  }
}

extension IndexTensor {
  /// The integers as numbers, exactly where they are below 2^24.
  fileprivate var numbers: [Float] { values.map { Float($0) } }
}
