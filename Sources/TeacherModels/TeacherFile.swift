import Artifacts
import Backbone
import DD2Teacher
import Datasets
import Foundation
import NN
import TensorCore
import Training

/// What a teacher file's `config` says: the family and its sizes. A new family adds a case.
public enum TeacherConfiguration: Codable, Equatable, Sendable {
  /// VAR: transformer and multi-scale tokenizer.
  case nextScale(transformer: VARConfiguration, tokenizer: VQVAEConfiguration)
  /// LlamaGen: transformer and tokenizer.
  case nextToken(transformer: LlamaGenConfiguration, tokenizer: VQConfiguration)

  /// The built-in teacher of shapes32: 32x32 pixels, an 8x8 latent, 130 tokens in six scales.
  public static let shapes32 = TrainingSizes.nextScale.configuration(classCount: 10)

  /// The built-in teacher of shapes32 in LlamaGen's architecture: 32x32 pixels, 8x8 tokens in raster order.
  public static let shapes32LlamaGen = TrainingSizes.nextToken.configuration(classCount: 10)

  /// What the family does with these sizes.
  public var family: any TeacherFamily {
    switch self {
    case .nextScale(let transformer, let tokenizer): VARFamily(transformer: transformer, tokenizer: tokenizer)
    case .nextToken(let transformer, let tokenizer): LlamaGenFamily(transformer: transformer, tokenizer: tokenizer)
    }
  }
}

extension TeacherConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    switch self {
    case .nextScale(let transformer, let tokenizer):
      try transformer.check()
      try tokenizer.check()
      try Self.requireEqual(transformer.patchSides, tokenizer.patchSides, "patchSides")
      try Self.requireEqual(transformer.latentDimension, tokenizer.latentDimension, "latentDimension")
      try Self.requireEqual(transformer.vocabulary, tokenizer.vocabulary, "vocabulary")
    case .nextToken(let transformer, let tokenizer):
      try transformer.check()
      try tokenizer.check()
      try Self.requireEqual(transformer.latentDimension, tokenizer.latentDimension, "latentDimension")
      try Self.requireEqual(transformer.vocabulary, tokenizer.vocabulary, "vocabulary")
    }
  }

  private static func requireEqual<Value: Equatable>(
    _ transformer: Value, _ tokenizer: Value, _ name: String
  ) throws(SettingsError) {
    guard transformer == tokenizer else {
      throw SettingsError("\(name) is \(transformer) in the transformer and \(tokenizer) in the tokenizer")
    }
  }
}

/// Teachers in HDF5: transformer under `/parameters/transformer.*`, tokenizer under `/parameters/tokenizer.*`.
public enum TeacherFile {
  /// The checkpoint kind of teacher files.
  public static let kind = "teacher"

  /// A teacher with the file it came from.
  public struct Loaded: Sendable {
    /// The teacher.
    public let teacher: any Teacher
    /// Family and sizes.
    public let configuration: TeacherConfiguration
    /// The file.
    public let path: String
    /// SHA-256 of the file, in hexadecimal: students record it.
    public let hash: String
    /// How the file was made: command, seed, sources.
    public var origin: [String: String] = [:]
    /// Number of weights by part, `transformer` and `tokenizer`.
    public var parameterCounts: [String: Int] = [:]

    /// Where the images or tokens came from that `TeacherPipeline` trained it on; nil for an imported one.
    public var trainingData: String? { training?.data }

    /// Their classes; nil for an imported teacher, one of the built-in images, and one of an earlier dd2.
    public var trainingClasses: ClassMapping? { training?.images?.classes ?? training?.tokens?.classes }

    /// The weights of both parts in the file, to be read one by one.
    package func weights() throws -> TensorSource { try TeacherFile.weights(in: path) }

    /// How they were cropped; nil where they were not.
    public var trainingCrop: ImageCrop? { training?.images?.crop }

    /// SHA-256 of the tokenizer's weights with names and shapes, in hexadecimal: teachers with equal tokenizers have equal
    /// tokens, as VAR's of all depths do.
    /// - Throws: `ArtifactError` where the file cannot be read any more.
    public func tokenizerHash() throws -> String {
      let file = try HDF5File(reading: path)
      let names = try file.datasetNames(under: "/parameters").filter { $0.hasPrefix("/parameters/tokenizer.") }
      return try Fingerprint.of(arrays: names) { try file.read($0) }
    }

    private var training: TeacherTrainingConfiguration? {
      origin["training"].flatMap {
        try? JSONDecoder().decode(TeacherTrainingConfiguration.self, from: Data($0.utf8))
      }
    }
  }

  /// Writes a teacher.
  /// - Parameter metadata: how it was made: command, seed, figures.
  /// - Throws: `ArtifactError`.
  public static func write(
    _ configuration: TeacherConfiguration, transformer: StateDict, tokenizer: StateDict,
    metadata: [String: String], to path: String
  ) throws {
    let file = Checkpoint(
      kind: kind, config: try JSON.text(configuration), createdBy: DD2Version.description, metadata: metadata)
    let weights = transformer.addingPrefix("transformer").merging(tokenizer.addingPrefix("tokenizer"))
    try file.write(to: path, adding: ["parameters": weights])
  }

  /// Writes a teacher whose weights are made one by one, so that they are never all in memory.
  /// - Parameters:
  ///   - names: the weights of both parts, with their prefixes.
  ///   - array: the weight of a name.
  /// - Throws: `ArtifactError`, and what `array` throws; no file is left then.
  static func write(
    _ configuration: TeacherConfiguration, names: [String], metadata: [String: String], to path: String,
    array: (String) throws -> HostArray
  ) throws {
    let file = Checkpoint(
      kind: kind, config: try JSON.text(configuration), createdBy: DD2Version.description, metadata: metadata)
    try file.write(to: path, adding: ["parameters": names]) { _, name in try array(name) }
  }

  /// Reads a teacher, strictly, one weight after the other.
  /// - Throws: `ArtifactError` where the file is missing, damaged, of another kind or does not fit its configuration.
  public static func read(_ path: String) throws -> Loaded {
    let header = try Checkpoint.load(from: path, expectingKind: kind, groups: [])
    let configuration: TeacherConfiguration = try JSON.decode(header.config, path: path)
    let weights = try weights(in: path)
    return try fitting(path) {
      Loaded(
        teacher: try configuration.family.makeTeacher(weights), configuration: configuration, path: path,
        hash: try WeightsManifest.sha256(ofFile: path),
        origin: header.metadata.merging(["created_by": header.createdBy]) { first, _ in first },
        parameterCounts: Dictionary(grouping: weights.shapes) { String($0.key.prefix { $0 != "." }) }
          .mapValues { $0.reduce(0) { $0 + $1.value.count } })
    }
  }

  private static func weights(in path: String) throws -> TensorSource {
    try TensorSource(HDF5File(reading: path), group: "parameters")
  }
}
