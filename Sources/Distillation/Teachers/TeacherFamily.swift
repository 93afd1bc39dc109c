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
  /// The same sizes for another number of classes.
  func replacing(classCount: Int) -> TeacherConfiguration
  /// A tokenizer with initial weights.
  func makeTokenizer(seed: UInt64) -> Tokenizer
  /// A transformer with initial weights over the tokens of a trained tokenizer.
  func makeTransformer(over tokenizer: Tokenizer, seed: UInt64) -> any TrainableTransformer
  /// The teacher from the weights of its two parts, under `transformer.` and `tokenizer.`.
  /// - Throws: `StateDictError` where they do not fit.
  func makeTeacher(_ state: StateDict) throws -> any Teacher
}

/// VAR: next-scale prediction over a multi-scale tokenizer.
public struct VARFamily: TeacherFamily {
  let transformer: VARConfiguration
  let tokenizer: VQVAEConfiguration

  public var name: String { "VAR" }
  public var imageSide: Int { tokenizer.imageSide }

  public func replacing(classCount: Int) -> TeacherConfiguration {
    var sizes = transformer
    sizes.classCount = classCount
    return .nextScale(transformer: sizes, tokenizer: tokenizer)
  }

  public func makeTokenizer(seed: UInt64) -> VQVAE { VQVAE(tokenizer, seed: seed) }

  public func makeTransformer(over tokenizer: VQVAE, seed: UInt64) -> any TrainableTransformer {
    VARTokenTransformer(
      transformer: VARTransformer(transformer, map: tokenizer.map, seed: seed), tokenizer: tokenizer)
  }

  public func makeTeacher(_ state: StateDict) throws -> any Teacher {
    let vqvae = makeTokenizer(seed: 0)
    try vqvae.parameters.load(state.removingPrefix("tokenizer"))
    let network = VARTransformer(transformer, map: vqvae.map, seed: 0)
    try network.parameters.load(state.removingPrefix("transformer"))
    return VARTeacher(transformer: network, tokenizer: vqvae)
  }
}

/// LlamaGen: next-token prediction in raster order over one code per position.
public struct LlamaGenFamily: TeacherFamily {
  let transformer: LlamaGenConfiguration
  let tokenizer: VQConfiguration

  public var name: String { "LlamaGen" }
  public var imageSide: Int { transformer.side * tokenizer.downsampling }

  public func replacing(classCount: Int) -> TeacherConfiguration {
    var sizes = transformer
    sizes.classCount = classCount
    return .nextToken(transformer: sizes, tokenizer: tokenizer)
  }

  public func makeTokenizer(seed: UInt64) -> VQTokenizer { VQTokenizer(tokenizer, seed: seed) }

  public func makeTransformer(over tokenizer: VQTokenizer, seed: UInt64) -> any TrainableTransformer {
    LlamaGenTransformer(transformer, seed: seed)
  }

  public func makeTeacher(_ state: StateDict) throws -> any Teacher {
    let vq = makeTokenizer(seed: 0)
    try vq.parameters.load(state.removingPrefix("tokenizer"))
    let network = LlamaGenTransformer(transformer, seed: 0)
    try network.parameters.load(state.removingPrefix("transformer"))
    return LlamaGenTeacher(transformer: network, tokenizer: vq)
  }
}
