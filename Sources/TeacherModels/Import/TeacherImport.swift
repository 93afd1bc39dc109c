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
  /// DD1: the stage from which tokens stay vectors.
  public var split: Int?
  /// The dictionaries that are meant, where a file holds several that would do.
  public var locations: [String]

  /// Options; what is not given is found.
  public init(
    patchSides: [Int]? = nil, side: Int? = nil, heads: Int? = nil, split: Int? = nil, locations: [String] = []
  ) {
    self.patchSides = patchSides
    self.side = side
    self.heads = heads
    self.split = split
    self.locations = locations
  }
}

/// A teacher, or a generator of DD1, in files of PyTorch or safetensors, found by names and shapes and checked: ready to
/// be written as one of dd2's own. A new family adds a file beside this one and a case in `configuration(of:_:_:)`.
public struct TeacherImport: Sendable {
  /// Family and sizes.
  public let configuration: TeacherConfiguration
  /// What makes the files a generator of DD1; nil for a teacher.
  public let dd1: DD1Configuration?
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
    var assumed = found.assumed
    dd1 = try Self.dd1(transformer, found.configuration, options, &assumed)
    self.assumed = assumed
    var expected = Self.parameters(found.configuration.family)
    if let dd1 { expected.transformer = dd1.sizes.makeDD1Network().parameters }
    ignored =
      try transformer.check(expected.transformer, ignored: found.ignored)
      + tokenizer.check(expected.tokenizer, ignored: found.ignored)
    weightNames =
      expected.transformer.parameters.map { Self.transformerPrefix + $0.path }
      + expected.tokenizer.parameters.map { Self.tokenizerPrefix + $0.path }
  }

  /// Writes dd2's own file, one weight after the other.
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
    func weight(_ name: String) throws -> HostArray {
      try progress(done, weightNames.count)
      done += 1
      return name.hasPrefix(Self.transformerPrefix)
        ? try transformer.weight(String(name.dropFirst(Self.transformerPrefix.count)))
        : try tokenizer.weight(String(name.dropFirst(Self.tokenizerPrefix.count)))
    }
    if let dd1 {
      try DD1GeneratorFile.write(dd1, names: weightNames, metadata: facts, to: path, array: weight)
    } else {
      try TeacherFile.write(configuration, names: weightNames, metadata: facts, to: path, array: weight)
    }
    try progress(done, weightNames.count)
  }

  private static let transformerPrefix = "transformer."
  private static let tokenizerPrefix = "tokenizer."

  private static func only(_ title: String, _ parts: [TeacherPart], _ files: [String]) throws -> TeacherPart {
    guard let first = parts.first else { throw TeacherImportError.missingPart(title, files: files) }
    if parts.allSatisfy(\.kind.isDD1), let averaged = parts.first(where: \.isAveraged),
      !parts.contains(where: { $0.isAveraged && $0.place != averaged.place })
    {
      return averaged
    }
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
    let isDD1 = transformer.kind.isDD1
    return switch transformer.kind.family {
    case "VAR": try VARImport.configuration(transformer.names, tokenizer.names, options, isDD1: isDD1)
    default: try LlamaGenImport.configuration(transformer.names, tokenizer.names, options, isDD1: isDD1)
    }
  }

  private static func dd1(
    _ transformer: TeacherPart, _ sizes: TeacherConfiguration, _ options: TeacherImportOptions,
    _ assumed: inout [String]
  ) throws -> DD1Configuration? {
    let path = transformer.names.path
    guard transformer.kind.isDD1 else {
      guard options.split == nil else {
        throw TeacherImportError.contradiction(path: path, option: "--split", detail: "it is for generators of DD1")
      }
      return nil
    }
    let stages = sizes.family.layout.stageLengths.count
    if let split = options.split {
      guard (0..<stages).contains(split) else {
        throw TeacherImportError.contradiction(
          path: path, option: "--split \(split)", detail: "its stages are numbered 0 to \(stages - 1)")
      }
      return DD1Configuration(sizes: sizes, split: split, second: split)
    }
    guard let known = DD1Configuration.published(sizes), max(known.split, known.second) < stages else {
      throw TeacherImportError.undetermined(
        path: path, detail: "a generator of no published size, and no weight shows the stage where its codes end",
        option: "--split")
    }
    assumed.append("codes up to stage \(known.split), a second call from \(known.second), as published (--split)")
    return DD1Configuration(sizes: sizes, split: known.split, second: known.second)
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
