/// What a program's precision means for the arrays of networks.
extension Lowering {
  /// What a device may do to the factors of products.
  var digits: ProductDigits { precision == .float32 ? .all : .asTheDeviceLikes }

  /// An array with the digits that products read.
  mutating func factor(_ x: HLOValue) -> HLOValue { precision == .bfloat16 ? w.convert(x, .bf16) : x }

  /// An array in the type in which it is multiplied.
  mutating func multiplicand(_ x: HLOValue) -> HLOValue {
    let factor = factor(x)
    return widensFactors ? w.convert(factor, .f32) : factor
  }

  /// An activation of the forward pass as products of a backward pass read it. It stands behind a barrier: what the
  /// backward pass computes from it, scores of attention or the widened activation, XLA would otherwise take for what the
  /// forward pass computed, and keep that, which is larger.
  mutating func keptFactor(_ x: HLOValue) -> HLOValue {
    if let kept = keptFactors[x.name] { return kept }
    let narrow = factor(x)
    let kept = w.barrier([narrow])[0]
    keptFactors[x.name] = kept
    return kept
  }

  /// An activation of the forward pass as the rest of a backward pass reads it: float32 again, but with the digits of
  /// `keptFactor`, which is all that has to live until then.
  mutating func kept(_ x: HLOValue) -> HLOValue {
    let factor = keptFactor(x)
    return w.convert(factor, .f32)
  }

  /// A product of a network; see `HLOWriter.dot`.
  mutating func product(
    _ a: HLOValue, _ b: HLOValue, batch: ([Int], [Int]) = ([], []), over axes: ([Int], [Int])
  ) -> HLOValue {
    let (a, b) = (multiplicand(a), multiplicand(b))
    return w.dot(a, b, batch: batch, over: axes, digits)
  }
}
