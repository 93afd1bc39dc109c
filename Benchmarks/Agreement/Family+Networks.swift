import TensorCore

extension Family {
  static var normExamples: [Example] {
    return [
      Example("layer norm", [[3, 4, 6], [6], [6]]) {
        [layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-6)]
      },
      Example("bare layer norm", [[3, 6]]) { [layerNorm($0[0], epsilon: 1e-6)] },
      Example("modulated", [[2, 4, 6], [2, 6], [2, 6]]) {
        [layerNormModulate($0[0], scale_BC: $0[1], shift_BC: $0[2], epsilon: 1e-6)]
      },
      Example("modulated batch of one", [[1, 4, 6], [1, 6], [1, 6]]) {
        [layerNormModulate($0[0], scale_BC: $0[1], shift_BC: $0[2], epsilon: 1e-6)]
      },
      Example("RMS norm", [[3, 6], [6]]) { [rmsNorm($0[0], weight: $0[1], epsilon: 1e-5)] },
      Example("gated", [[2, 3, 4], [2, 3, 4], [2, 4]]) { [gatedResidual($0[0], $0[1], gate_BC: $0[2])] },
      Example("group norm", [[2, 3, 4, 6], [6], [6]]) {
        [groupNorm($0[0], groups: 3, weight: $0[1], bias: $0[2], epsilon: 1e-6)]
      },
      Example("group norm with SiLU", [[2, 3, 4, 6], [6], [6]]) {
        [groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2], epsilon: 1e-6, activation: .silu)]
      },
    ]
  }

  static var attentionExamples: [Example] {
    let causal = Visibility.counts([1, 1, 3, 4, 5])
    return [
      Example("attention", [[2, 3, 8], [2, 5, 8], [2, 5, 8]]) {
        [attention($0[0], $0[1], $0[2], heads: 2, scale: 0.5)]
      },
      Example("block-causal", [[2, 5, 24]]) {
        [attention(packed: $0[0], heads: 2, scale: 0.5, visibility: causal)]
      },
      Example("long attention", [[2, 150, 3 * 64]], absolute: 1e-4, relative: 1e-4) {
        [attention(packed: $0[0], heads: 2, scale: 0.2, visibility: .counts((0..<150).map { $0 / 10 * 10 + 10 }))]
      },
      Example("cached", [[2, 2, 8], [2, 5, 8], [2, 5, 8]], isDifferentiated: false) {
        [
          attention(
            $0[0], $0[1], $0[2], heads: 2, scale: 0.5, visibility: .fromPosition, position: .scalar(2))
        ]
      },
      Example("normalized", [[2, 3, 24], [2]]) {
        [normalizeQK(packed: $0[0], heads: 2, scale_H: $0[1])]
      },
      Example("rotated", [[2, 3, 24], [5, 2], [5, 2]]) {
        [
          rotaryEmbedding(
            packed: $0[0], heads: 2, cosine: $0[1].stopGradient(), sine: $0[2].stopGradient(), position: .scalar(2))
        ]
      },
    ]
  }

  static var featureMapExamples: [Example] {
    func convolution(_ name: String, _ x: Shape, _ weight: Shape, stride: Int, _ padding: Padding) -> Example {
      Example(name, [x, weight, [weight[0]]], absolute: 2e-5, relative: 1e-4) {
        [conv2d($0[0], weight: $0[1], bias: $0[2], stride: stride, padding: padding)]
      }
    }
    return [
      convolution("wide", [2, 16, 16, 32], [48, 32, 3, 3], stride: 1, Padding(1)),
      convolution("same", [2, 5, 6, 3], [4, 3, 3, 3], stride: 1, Padding(1)),
      convolution("pointwise", [2, 5, 6, 3], [4, 3, 1, 1], stride: 1, .none),
      convolution("halving", [2, 6, 8, 3], [4, 3, 3, 3], stride: 2, Padding(top: 0, bottom: 1, left: 0, right: 1)),
      convolution("odd halving", [1, 7, 5, 2], [3, 2, 3, 3], stride: 2, Padding(1)),
      convolution("factor", [1, 7, 5, 2], [3, 2, 1, 7], stride: 1, Padding(top: 0, bottom: 0, left: 3, right: 3)),
      Example("rectified", [[2, 5, 6, 3], [4, 3, 3, 3], [4]], absolute: 2e-5, relative: 1e-4) {
        [conv2d($0[0], weight: $0[1], bias: $0[2], padding: Padding(1), activation: .relu)]
      },
      Example("pools", [[2, 7, 5, 3]], isDifferentiated: false) {
        let window = PoolingWindow(side: 3, stride: 2, padding: 1)
        let x = $0[0].stopGradient()
        return [
          maxPool(x, window), averagePool(x, window), averagePool(x, PoolingWindow(side: 3, stride: 1, padding: 1)),
        ]
      },
      Example("bicubic", [[2, 3, 4, 2]]) { [resize($0[0], to: (7, 8), mode: .bicubic)] },
      Example("area", [[2, 7, 8, 2]]) { [resize($0[0], to: (3, 5), mode: .area)] },
      Example("nearest", [[2, 3, 4, 2]]) { [resize($0[0], to: (6, 8), mode: .nearest)] },
    ]
  }

  static var posteriorExamples: [Example] {
    func example(_ name: String, _ K: Int, _ B: Int, _ L: Int, _ D: Int, _ V: Int, t: Float) -> Example {
      Example(
        name, [[K, B, L, D], [B, L, V], [V, D]], absolute: 2e-4, relative: 1e-3
      ) {
        let times = Tensor((0..<(K * B * L)).map { t + (1 - t) * Float($0 % 5) / 5 }, [K, B, L])
        return [
          codebookPosteriorMean(
            $0[0], t: times, logProbabilities: $0[1].logSoftmax(), codebook: $0[2].stopGradient())
        ]
      }
    }
    return [
      example("posterior", 2, 2, 3, 4, 7, t: 0.3), example("late posterior", 1, 2, 3, 4, 7, t: 0.05),
      example("large posterior", 2, 2, 20, 8, 500, t: 0.3),
    ]
  }
}
