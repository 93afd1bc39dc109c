import TensorCore

/// `y = x W^T + b` over the last axis.
public struct Linear: Sendable {
  /// (outputs, inputs)
  public let weight: Tensor
  /// (outputs)
  public let bias: Tensor?

  /// Registers `weight` and, on request, `bias`. Default weights are normal with deviation `1/sqrt(inputs)`.
  public init(
    _ builder: ParameterBuilder, _ inputs: Int, _ outputs: Int, bias: Bool = true, initializer: Initializer? = nil
  ) {
    weight = builder.parameter(
      "weight", [outputs, inputs], initializer ?? .normal(1 / Float(inputs).squareRoot()))
    self.bias = bias ? builder.parameter("bias", [outputs], .zeros) : nil
  }

  /// Registers `weight` and `bias`, the latter with given initial elements (outputs).
  public init(_ builder: ParameterBuilder, _ inputs: Int, initialBias: Tensor, initializer: Initializer) {
    weight = builder.parameter("weight", [initialBias.count, inputs], initializer)
    bias = builder.parameter("bias", initial: initialBias)
  }

  /// (..., inputs) to (..., outputs)
  public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight: weight, bias: bias) }
}

/// A table of vectors looked up by index.
public struct Embedding: Sendable {
  /// (rows, width)
  public let weight: Tensor

  /// Registers `weight`.
  public init(
    _ builder: ParameterBuilder, rows: Int, width: Int, initializer: Initializer, isDecayed: Bool = true
  ) {
    weight = builder.parameter("weight", [rows, width], initializer, isDecayed: isDecayed)
  }

  /// Indices of any shape to (indices..., width).
  public func callAsFunction(_ indices: IndexTensor) -> Tensor { weight.gatherRows(indices) }
}

/// Two-dimensional convolution on channels-last feature maps.
public struct Conv2d: Sendable {
  /// (outputs, inputs, height, width), PyTorch's layout.
  public let weight: Tensor
  /// (outputs)
  public let bias: Tensor?
  private let stride: Int
  private let padding: Padding

  /// Registers `weight` and, on request, `bias`; default padding keeps the size at stride 1.
  public init(
    _ builder: ParameterBuilder, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1,
    padding: Padding? = nil, bias: Bool = true, initializer: Initializer? = nil
  ) {
    let fanIn = Float(inputs * kernel * kernel)
    weight = builder.parameter(
      "weight", [outputs, inputs, kernel, kernel], initializer ?? .normal(1 / fanIn.squareRoot()))
    self.bias = bias ? builder.parameter("bias", [outputs], .zeros) : nil
    self.stride = stride
    self.padding = padding ?? Padding(kernel / 2)
  }

  /// (B, h, w, inputs) to (B, h', w', outputs)
  public func callAsFunction(_ x_BhwC: Tensor) -> Tensor {
    conv2d(x_BhwC, weight: weight, bias: bias, stride: stride, padding: padding)
  }
}

/// Group normalisation with a learned scale and offset per channel, optionally followed by SiLU in the same pass.
public struct GroupNorm: Sendable {
  /// (channels)
  public let weight: Tensor
  /// (channels)
  public let bias: Tensor
  private let groups: Int
  private let epsilon: Float

  /// Registers `weight` and `bias`.
  public init(_ builder: ParameterBuilder, channels: Int, groups: Int = 32, epsilon: Float = 1e-6) {
    weight = builder.parameter("weight", [channels], .ones)
    bias = builder.parameter("bias", [channels], .zeros)
    self.groups = groups
    self.epsilon = epsilon
  }

  /// (B, h, w, C) to the same shape.
  public func callAsFunction(_ x_BhwC: Tensor, activation: Activation = .none) -> Tensor {
    groupNorm(x_BhwC, groups: groups, weight: weight, bias: bias, epsilon: epsilon, activation: activation)
  }
}

/// Layer normalisation over the last axis with a learned scale and offset.
public struct LayerNorm: Sendable {
  /// (width)
  public let weight: Tensor
  /// (width)
  public let bias: Tensor
  private let epsilon: Float

  /// Registers `weight` and `bias`.
  public init(_ builder: ParameterBuilder, _ width: Int, epsilon: Float = 1e-6) {
    weight = builder.parameter("weight", [width], .ones)
    bias = builder.parameter("bias", [width], .zeros)
    self.epsilon = epsilon
  }

  /// (..., width) to the same shape.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
  }
}

/// Root-mean-square normalisation over the last axis with a learned scale (Zhang & Sennrich 2019).
public struct RMSNorm: Sendable {
  /// (width)
  public let weight: Tensor
  private let epsilon: Float

  /// Registers `weight`.
  public init(_ builder: ParameterBuilder, _ width: Int, epsilon: Float) {
    weight = builder.parameter("weight", [width], .ones)
    self.epsilon = epsilon
  }

  /// (..., width) to the same shape.
  public func callAsFunction(_ x: Tensor) -> Tensor { rmsNorm(x, weight: weight, epsilon: epsilon) }
}
