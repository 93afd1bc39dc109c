/// What a device must be able to do. The CPU is the first implementation; ops, models, losses and optimisers are
/// written against this protocol and never touch element memory themselves.
///
/// Kernels read and write whole `Storage` objects, row-major, Float32. Output storage is allocated by the caller and
/// never aliases an input unless a kernel says so. One protocol per op family, in the file beside this one.
public protocol Backend: AnyObject, Sendable, MemoryKernels, ElementwiseKernels, MovementKernels,
  ReductionKernels, MatrixKernels, SoftmaxKernels, NormKernels, GroupNormKernels, AttentionKernels,
  ConvolutionKernels, ResizeKernels, PosteriorKernels, OptimizerKernels, PoolingKernels
{
  /// What runs here, for the run's metadata: device, threads, BLAS core type.
  var summary: String { get }
  /// Images that a deep network of feature maps best takes at a time: enough for all of the device to work and for
  /// weights to be read seldom, few enough for the maps to stay small.
  var imagesAtOnce: Int { get }
}

/// Memory of a backend and explicit copies between it and the host.
public protocol MemoryKernels {
  /// Uninitialised memory for `count` Floats.
  func allocate(_ count: Int) -> Storage
  /// Copies all of `elements` to the start of `storage`.
  func copyFromHost(_ elements: [Float], to storage: Storage)
  /// The first `count` elements.
  func copyToHost(_ storage: Storage, count: Int) -> [Float]
  /// Copies the first `count` elements of `source`.
  func copy(_ source: Storage, to destination: Storage, count: Int)
  /// Sets the first `count` elements to `value`.
  func fill(_ storage: Storage, value: Float, count: Int)
}

/// The backend on which new tensors are made.
public enum Backends {
  /// The CPU backend of this process.
  public static let cpu = CPUBackend()
  /// The backend on which tensors are created.
  public static var current: any Backend { cpu }
}
