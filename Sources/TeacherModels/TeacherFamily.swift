import Backbone
import DD2Teacher
import NN

/// What files, training and command line need to know of one teacher family with its sizes.
public protocol TeacherFamily: Sendable {
  /// The family's tokenizer.
  associatedtype Tokenizer: TrainableTokenizer

  /// The family's name, as people write it.
  var name: String { get }
  /// Rows and columns of the images.
  var imageSide: Int { get }
  /// Number of classes.
  var classCount: Int { get }
  /// Order and grouping of the tokens.
  var layout: TokenLayout { get }
  /// The path of the transformer's classifier.
  var classifierName: String { get }
  /// The same sizes for another number of classes.
  func replacing(classCount: Int) -> TeacherConfiguration
  /// A tokenizer with initial weights; without a seed they are unset until they are loaded.
  func makeTokenizer(seed: UInt64?) -> Tokenizer
  /// A transformer with initial weights over the tokens of a trained tokenizer; without a seed they are unset until they
  /// are loaded.
  func makeTransformer(over tokenizer: Tokenizer, seed: UInt64?) -> any TrainableTransformer
  /// The teacher from the weights of its two parts, under `transformer.` and `tokenizer.`.
  /// - Throws: `StateDictError` where they do not fit, and what reading them throws.
  func makeTeacher(_ weights: TensorSource) throws -> any Teacher
}

extension TeacherFamily {
  /// The tokenizer from the weights of a teacher's parts, its own under `tokenizer.`.
  /// - Throws: `StateDictError` where they do not fit, and what reading them throws.
  func loadTokenizer(_ weights: TensorSource) throws -> Tokenizer {
    let tokenizer = makeTokenizer(seed: nil)
    try tokenizer.parameters.load(weights.removingPrefix("tokenizer"))
    return tokenizer
  }
}

/// VAR: next-scale prediction over a multi-scale tokenizer.
public struct VARFamily: TeacherFamily {
  let transformer: VARConfiguration
  let tokenizer: VQVAEConfiguration

  public var name: String { "VAR" }
  public var classifierName: String { VARTransformer.classifierName }
  public var imageSide: Int { tokenizer.imageSide }
  public var classCount: Int { transformer.classCount }
  public var layout: TokenLayout { transformer.layout }

  public func replacing(classCount: Int) -> TeacherConfiguration {
    var sizes = transformer
    sizes.classCount = classCount
    return .nextScale(transformer: sizes, tokenizer: tokenizer)
  }

  public func makeTokenizer(seed: UInt64?) -> VQVAE { VQVAE(tokenizer, seed: seed) }

  public func makeTransformer(over tokenizer: VQVAE, seed: UInt64?) -> any TrainableTransformer {
    VARTokenTransformer(
      transformer: VARTransformer(transformer, map: tokenizer.map, seed: seed), tokenizer: tokenizer)
  }

  public func makeTeacher(_ weights: TensorSource) throws -> any Teacher {
    let vqvae = try loadTokenizer(weights)
    let network = VARTransformer(transformer, map: vqvae.map, seed: nil)
    try network.parameters.load(weights.removingPrefix("transformer"))
    return VARTeacher(transformer: network, tokenizer: vqvae)
  }
}

/// LlamaGen: next-token prediction in raster order over one code per position.
public struct LlamaGenFamily: TeacherFamily {
  let transformer: LlamaGenConfiguration
  let tokenizer: VQConfiguration

  public var name: String { "LlamaGen" }
  public var classifierName: String { LlamaGenTransformer.classifierName }
  public var imageSide: Int { transformer.side * tokenizer.downsampling }
  public var classCount: Int { transformer.classCount }
  public var layout: TokenLayout { transformer.layout }

  public func replacing(classCount: Int) -> TeacherConfiguration {
    var sizes = transformer
    sizes.classCount = classCount
    return .nextToken(transformer: sizes, tokenizer: tokenizer)
  }

  public func makeTokenizer(seed: UInt64?) -> VQTokenizer { VQTokenizer(tokenizer, seed: seed) }

  public func makeTransformer(over tokenizer: VQTokenizer, seed: UInt64?) -> any TrainableTransformer {
    LlamaGenTransformer(transformer, seed: seed)
  }

  public func makeTeacher(_ weights: TensorSource) throws -> any Teacher {
    let vq = try loadTokenizer(weights)
    let network = LlamaGenTransformer(transformer, seed: nil)
    try network.parameters.load(weights.removingPrefix("transformer"))
    return LlamaGenTeacher(transformer: network, tokenizer: vq)
  }
}
