import TensorCore

/// Translates kernels into StableHLO operations. Each family is an extension in a file of its own.
struct Lowering {
  let precision: Precision
  /// Whether rounded factors of products are float32 again when they are multiplied, for a device that has no products of
  /// bfloat16: the result is the same.
  var widensFactors = false
  /// How many devices run the program together, each on its own arrays.
  var replicaCount = 1
  var w = HLOWriter()
  /// The kept form of activations, by name; see `keptFactor`.
  var keptFactors: [String: HLOValue] = [:]

  /// Writes a kernel.
  /// - Returns: its results.
  mutating func run(_ kernel: Kernel, _ x: [HLOValue]) -> [HLOValue] {
    switch kernel {
    case .elementwise(let kernel): [run(kernel, x)]
    case .movement(.barrier): w.barrier(x)
    case .movement(let kernel): [run(kernel, x)]
    case .reduction(let kernel): run(kernel, x)
    case .matrix(let kernel): [run(kernel, x)]
    case .softmax(let kernel): run(kernel, x)
    case .norm(let kernel): run(kernel, x)
    case .groupNorm(let kernel): run(kernel, x)
    case .attention(let kernel): run(kernel, x)
    case .convolution(let kernel): [run(kernel, x)]
    case .pooling(let kernel): [run(kernel, x[0])]
    case .resize(let kernel): [run(kernel, x[0])]
    case .posterior(let kernel): run(kernel, x)
    case .random(let kernel): [run(kernel, x)]
    case .choice(let kernel): [run(kernel, x)]
    case .collective(.sum): w.sumOverReplicas(x, count: replicaCount)
    }
  }
}
