import Artifacts
import Foundation
import NN
import Training

/// What the files of a teacher do not always say.
public struct TeacherImportOptions: Sendable {
  /// VAR: tokens per side of each scale.
  public var patchSides: [Int]?
  /// LlamaGen: tokens per side of the image.
  public var side: Int?
  /// LlamaGen: attention heads.
  public var heads: Int?
  /// The dictionaries that are meant, where a file holds several that would do.
  public var locations: [String]

  /// Options; what is not given is found.
  public init(patchSides: [Int]? = nil, side: Int? = nil, heads: Int? = nil, locations: [String] = []) {
    self.patchSides = patchSides
    self.side = side
    self.heads = heads
    self.locations = locations
  }
}

/// A teacher in files of PyTorch or safetensors, found by names and shapes and checked: ready to be written as one of
/// dd2's own. A new family adds a file beside this one and a case in `configuration(of:_:_:)`.
public struct TeacherImport: Sendable {
  /// Family and sizes.
  public let configuration: TeacherConfiguration
  /// Where transformer and tokenizer stand, for messages.
  public var places: (transformer: String, tokenizer: String) { (transformer.place, tokenizer.place) }
  /// What the files hold besides weights: masks and counters that follow from the sizes.
  public let ignored: [String]
  /// What was taken for granted because no weight shows it, each with the option that says otherwise, if one does.
  public let assumed: [String]
  private let transformer: TeacherPart
  private let tokenizer: TeacherPart
  /// Names of all weights, with the part's prefix.
  private let weightNames: [String]

  /// Finds a teacher in files, in any order, and compares every name and shape; no weight is read yet.
  ///
  /// Throws `ArtifactError` where a file is damaged or holds something else, `TeacherImportError` where a part is
  /// missing or the files leave open what an option says.
  public init(files: [String], options: TeacherImportOptions) throws {
    let opened = try files.map { try WeightsFile.open($0) }
    let known = opened.flatMap(\.groups).map(\.name)
    if let wrong = options.locations.first(where: { !known.contains($0) }) {
      throw ArtifactError.missingEntry(
        path: files.joined(separator: ", "), name: wrong,
        known: Set(known.map { $0.isEmpty ? "the top level" : $0 }).sorted())
    }
    let parts = try opened.flatMap { try TeacherPart.find(in: $0, locations: options.locations) }
    transformer = try Self.only("transformer", parts.filter(\.kind.isTransformer), files)
    tokenizer = try Self.only("tokenizer", parts.filter { !$0.kind.isTransformer }, files)
    guard transformer.kind.family == tokenizer.kind.family else {
      throw tokenizer.names.wrong(
        "a tokenizer of \(tokenizer.kind.family) beside a transformer of \(transformer.kind.family)")
    }
    let found = try Self.configuration(of: transformer, tokenizer, options)
    try fitting(transformer.names.path) { try found.configuration.check() }
    configuration = found.configuration
    assumed = found.assumed
    let expected = Self.parameters(found.configuration.family)
    ignored =
      try transformer.check(expected.transformer, ignored: found.ignored)
      + tokenizer.check(expected.tokenizer, ignored: found.ignored)
    weightNames =
      expected.transformer.parameters.map { Self.transformerPrefix + $0.path }
      + expected.tokenizer.parameters.map { Self.tokenizerPrefix + $0.path }
  }

  /// Writes the teacher file, one weight after the other.
  /// - Parameters:
  ///   - metadata: how the file is made; the sources with their hashes are added.
  ///   - progress: called with the numbers of weights done and of all.
  /// - Throws: `ArtifactError`, and what `progress` throws; no file is left then.
  public func write(
    to path: String, metadata: [String: String], progress: (_ done: Int, _ total: Int) throws -> Void
  ) throws {
    var facts = metadata
    for (name, part) in [("source_transformer", transformer), ("source_tokenizer", tokenizer)] {
      let file = part.names.path.pathName
      facts[name] = "\(file), sha256 \(try WeightsManifest.sha256(ofFile: part.names.path))"
    }
    var done = 0
    try TeacherFile.write(configuration, names: weightNames, metadata: facts, to: path) { name in
      try progress(done, weightNames.count)
      done += 1
      return name.hasPrefix(Self.transformerPrefix)
        ? try transformer.weight(String(name.dropFirst(Self.transformerPrefix.count)))
        : try tokenizer.weight(String(name.dropFirst(Self.tokenizerPrefix.count)))
    }
    try progress(done, weightNames.count)
  }

  private static let transformerPrefix = "transformer."
  private static let tokenizerPrefix = "tokenizer."

  private static func only(_ title: String, _ parts: [TeacherPart], _ files: [String]) throws -> TeacherPart {
    guard let first = parts.first else { throw TeacherImportError.missingPart(title, files: files) }
    guard parts.count == 1 else {
      throw TeacherImportError.undetermined(
        path: first.names.path, detail: "several \(title)s (\(parts.map(\.place).joined(separator: ", ")))",
        option: "--at")
    }
    return first
  }

  private static func configuration(
    of transformer: TeacherPart, _ tokenizer: TeacherPart, _ options: TeacherImportOptions
  ) throws -> TeacherSizes {
    switch transformer.kind.family {
    case "VAR": try VARImport.configuration(transformer.names, tokenizer.names, options)
    default: try LlamaGenImport.configuration(transformer.names, tokenizer.names, options)
    }
  }

  /// Names and shapes of a family's weights, from networks whose memory is never touched.
  private static func parameters<Family: TeacherFamily>(
    _ family: Family
  ) -> (transformer: ParameterSet, tokenizer: ParameterSet) {
    let tokenizer = family.makeTokenizer(seed: nil)
    return (family.makeTransformer(over: tokenizer, seed: nil).parameters, tokenizer.parameters)
  }
}

/// What an import finds out about a teacher.
struct TeacherSizes {
  let configuration: TeacherConfiguration
  /// What the files hold besides weights, with its shape.
  let ignored: [String: [Int]]
  /// As `TeacherImport.assumed`.
  let assumed: [String]
}
