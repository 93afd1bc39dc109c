/// A model or a whole training state, as files store it.
///
/// In the file each group is an HDF5 group and each array a dataset in it; the rest are attributes of the
/// root. What is stored under which kind is the business of whoever writes it.
public struct Checkpoint: Sendable, Equatable {
  /// The layout of the file that this code writes, and the newest it reads.
  public static let currentVersion = 1

  /// Arrays by path; paths look like `blocks.0.attn.mat_qkv.weight` and may contain `/`.
  public typealias Arrays = [String: HostArray]

  /// What the file is for, such as `generator` or `var-teacher`.
  public var kind: String
  /// The configuration that rebuilds the model, as JSON.
  public var config: String
  /// The program and version that wrote it.
  public var createdBy: String
  /// The layout of the file.
  public var version: Int
  /// Free facts worth keeping, such as the command line and the seed.
  public var metadata: [String: String]
  /// Every group by name, those below and any other.
  public var groups: [String: Arrays]

  public init(
    kind: String, config: String, createdBy: String, metadata: [String: String] = [:],
    groups: [String: Arrays] = [:]
  ) {
    self.kind = kind
    self.config = config
    self.createdBy = createdBy
    self.version = Self.currentVersion
    self.metadata = metadata
    self.groups = groups
  }

  /// The weights being trained.
  public var parameters: Arrays {
    get { groups["parameters", default: [:]] }
    set { groups["parameters"] = newValue }
  }

  /// The running mean of the weights, which is what is sampled from.
  public var ema: Arrays {
    get { groups["ema", default: [:]] }
    set { groups["ema"] = newValue }
  }

  /// The optimisers' moments.
  public var optimizer: Arrays {
    get { groups["optimizer", default: [:]] }
    set { groups["optimizer"] = newValue }
  }

  /// How far the run has come: step counts and running statistics.
  public var progress: Arrays {
    get { groups["progress", default: [:]] }
    set { groups["progress"] = newValue }
  }
}
