/// One operation of the numeric core as a value: its name and all that is fixed about it, such as an axis or a window.
///
/// What may differ from one call to the next, a learning rate, a time, a position, is an operand and never part of the
/// value. Equal sequences of kernels on operands of equal types are therefore one program, which a backend may record,
/// compile once and run again with other operands.
public enum Kernel: Hashable, Sendable {
  case elementwise(ElementwiseKernel)
  case movement(MovementKernel)
  case reduction(ReductionKernel)
  case matrix(MatrixKernel)
  case softmax(SoftmaxKernel)
  case norm(NormKernel)
  case groupNorm(GroupNormKernel)
  case attention(AttentionKernel)
  case convolution(ConvolutionKernel)
  case pooling(PoolingKernel)
  case resize(ResizeKernel)
  case posterior(PosteriorKernel)
  case random(RandomKernel)
  case choice(ChoiceKernel)
  case collective(CollectiveKernel)

  /// The types of the results, in order, for operands of these types. Ops have checked that the operands fit.
  public func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .elementwise(let kernel): kernel.results(of: operands)
    case .movement(let kernel): kernel.results(of: operands)
    case .reduction(let kernel): kernel.results(of: operands)
    case .matrix(let kernel): kernel.results(of: operands)
    case .softmax(let kernel): kernel.results(of: operands)
    case .norm(let kernel): kernel.results(of: operands)
    case .groupNorm(let kernel): kernel.results(of: operands)
    case .attention(let kernel): kernel.results(of: operands)
    case .convolution(let kernel): kernel.results(of: operands)
    case .pooling(let kernel): kernel.results(of: operands)
    case .resize(let kernel): kernel.results(of: operands)
    case .posterior(let kernel): kernel.results(of: operands)
    case .random(let kernel): kernel.results(of: operands)
    case .choice(let kernel): kernel.results(of: operands)
    case .collective(let kernel): kernel.results(of: operands)
    }
  }
}

extension [ArrayType] {
  /// The types of those results that are wanted.
  func wanted(_ flags: [Bool]) -> [ArrayType] { zip(self, flags).filter(\.1).map(\.0) }
}
