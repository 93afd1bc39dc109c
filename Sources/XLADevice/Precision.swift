/// In which types a program's networks multiply, and what their backward passes read of the forward ones.
///
/// The products are those of linear layers, matrices (unless a kernel is exact), attention and convolutions. All else is
/// float32 at every precision: weights, optimiser, softmax, norms, the codebook posterior, resampling, random numbers.
public enum Precision: String, CaseIterable, Sendable {
  /// Products in float32, none of whose digits a device may drop.
  case float32
  /// Products of float32 arrays, whose factors a GPU may round to TensorFloat-32 (11 bits).
  case tf32
  /// Factors of products in bfloat16 (8 bits), sums in float32; backward passes read large activations in bfloat16.
  case bfloat16

  /// What XLA has to be told for it. Unless forbidden, XLA leaves out that an array is rounded and widened again.
  var overrides: [String: CompileOptions.Override] {
    self == .bfloat16 ? ["xla_allow_excess_precision": .flag(false)] : [:]
  }
}
